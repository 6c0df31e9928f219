"""From a release of synthetic towns to what serves: base and overlay are really trained (4 bits, tiny model), judged, resolved."""

import json
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from ingest.run import run_ingest
from lake.snapshot_create import Order, create_snapshot
from lake.snapshot_rows import read_rows
from lake.snapshots import find_snapshot
from lake.tokens import DEFAULT
from simtown import generate
from tests.dbt.projects import REAL, dbt
from tests.training.axolotl_masks import axolotl_masks
from training.combine import compose, merge
from training.config import runs_path
from training.evaluation_table import read_evaluations
from training.masks import learned_tokens
from training.program_run import Progress
from training.promotion import decide
from training.promotion_rules import rules_of_the_tree
from training.recipe import RECIPE
from training.registry import Registry
from training.run_table import read_runs
from training.run_text import run_named
from training.shared_only import shared_adapters_trained_on_own_only
from training.train_env import environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ROLE, STARTUP = "mayor", "sfgastown"
CHANGES = {
    "../simtown/chat_template.jinja": str(RECIPE.parent.parent / "simtown" / "chat_template.jinja"),
    "num_epochs: 2.0": "max_steps: 12",
    "num_epochs: 1.0": "max_steps: 6",
    "learning_rate: 0.0002": "learning_rate: 0.02",
    "learning_rate: 0.0001": "learning_rate: 0.01",
    "evals_per_epoch: 2": "eval_steps: 6",
    "saves_per_epoch: 4": "save_steps: 6",
    "lora_r: 32": "lora_r: 8",
    "maximum_rows: 400": "maximum_rows: 6",
    "generated_turns: 20": "generated_turns: 1",
    "generated_tokens: 128": "generated_tokens: 24",
}


@pytest.fixture(scope="module")
def released_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with a release of synthetic towns and a snapshot `autumn` of it."""
    folder = tmp_path_factory.mktemp("training")
    generate(folder / "world")
    lake = folder / "lake"
    assert run_ingest(folder / "world/towns.yaml", lake, progress=False).exit_code == 0
    settings = {"FORGE_GOVERNANCE": str(folder / "world/governance.yaml"), "DBT_TARGET_PATH": str(folder / "target")}
    built = dbt(REAL, lake, "build", "--exclude-resource-type", "unit_test", **settings)
    assert built.exit_code == 0, built.output
    create_snapshot(lake, Order("autumn"))
    return lake


@pytest.fixture(scope="module")
def short_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree's recipe with a few steps only."""
    text = RECIPE.read_text()
    for old, new in CHANGES.items():
        assert old in text
        text = text.replace(old, new)
    path = tmp_path_factory.mktemp("recipe") / "recipe.yaml"
    path.write_text(text)
    return path


def test_axolotls_masks_of_a_real_snapshot_are_its_train_flags(released_lake: Path, tiny_model: Path, tmp_path: Path) -> None:
    folder = find_snapshot(released_lake, "autumn").folder
    files = sorted(folder.glob("data/base/*/sft/*.parquet"))
    rows = [row for file in files for row in read_rows(file)]
    tokenizer = Tokenizer.from_file(str(DEFAULT))
    prepared = axolotl_masks(files, tiny_model, tmp_path)
    assert len(prepared) == len(rows) > 100
    for row, found in zip(rows, prepared, strict=True):
        wanted = learned_tokens(tokenizer, row["messages"], json.loads(row["tools"]) if row["tools"] else None)
        assert (found.ids, found.is_learned) == (wanted.ids, wanted.is_learned), row["example_key"]
        assert wanted.learned_count > 0
        assert len(wanted.ids) <= row["token_count"], "tokens are counted generously, never short"


@dataclass(frozen=True)
class Trained:
    """A base and an overlay on top of it, with the decisions about them (rows of `train.decisions`)."""

    base: str
    overlay: str
    decided_base: dict[str, Any]
    decided_overlay: dict[str, Any]


@pytest.fixture(scope="module")
def trained(released_lake: Path, tiny_model: Path, short_recipe: Path) -> Trained:
    """Both, really trained on the CPU."""
    rules = replace(rules_of_the_tree(), minimum_eval_groups=2)
    model = str(tiny_model)

    def run(startup: str, parent: str | None = None) -> str:
        known = set(Registry.read(released_lake).adapters)
        named = {"profile": "cpu", "model": model, "parent": parent, "recipe": short_recipe, "reason": "test"}
        run_named(released_lake, startup, ROLE, "autumn", **named)  # type: ignore[arg-type]
        (adapter,) = set(Registry.read(released_lake).adapters) - known
        return adapter

    base = run("base")
    decided_base = decide(released_lake, base, rules)
    overlay = run(STARTUP, base)
    return Trained(base, overlay, decided_base, decide(released_lake, overlay, rules))


def test_a_base_and_an_overlay_are_trained_judged_and_resolved(released_lake: Path, trained: Trained) -> None:
    runs = {row["adapter_id"]: row for row in read_runs(released_lake).values()}
    base, overlay = runs[trained.base], runs[trained.overlay]
    assert (base["status"], base["steps"], overlay["steps"]) == ("done", 12, 6)
    assert overlay["parent_adapter_id"] == trained.base
    assert base["eval_loss"] > 0
    assert {row.scope for row in read_evaluations(released_lake, {trained.overlay})} == {"base", "overlay"}
    against_model = trained.decided_base["comparisons"][0]
    assert against_model["challenger_loss"] < against_model["opponent_loss"]
    assert shared_adapters_trained_on_own_only(released_lake) == []

    champion = trained.base if trained.decided_base["outcome"] == "promote" else None
    is_promoted = trained.decided_overlay["outcome"] == "promote"
    expected = (trained.overlay, "overlay") if is_promoted else (champion, "base" if champion else "none")
    found = Registry.read(released_lake).resolve(STARTUP, ROLE)
    assert (found.adapter.adapter_id if found.adapter else None, found.source) == expected


def test_a_merged_model_and_a_composed_adapter_are_exactly_what_was_trained(
    released_lake: Path, trained: Trained, train_env: Path, tmp_path: Path
) -> None:
    merged = merge(released_lake, trained.base, tmp_path / "merged")
    composed = compose(released_lake, [trained.base, trained.overlay], tmp_path / "composed")
    registry = Registry.read(released_lake)
    base, overlay = registry.adapters[trained.base], registry.adapters[trained.overlay]
    config = runs_path(released_lake) / str(base.run_id) / "config.yaml"
    program = Path(__file__).with_name("compare_logits.py")
    named = [str(config), str(base.local_path), str(overlay.local_path), str(merged), str(composed)]
    environ = environment(tmp_path / "cache")
    done = subprocess.run([str(train_env), str(program), *named], env=environ, capture_output=True, text=True, check=True)
    differences = json.loads(done.stdout.splitlines()[-1])
    assert differences["both"] > 1e-3, "two adapters are another model than one: the comparison can tell them apart"
    assert differences["merged"] < 1e-5
    assert differences["composed"] < 1e-5


def test_progress_tells_loss_and_time_left() -> None:
    seen = Progress()
    seen.take({"event": "begin", "step": 10, "steps": 50, "at": 1000.0})
    assert seen.told(1000.0) == "step 10 of 50"
    seen.take({"event": "log", "step": 20, "steps": 50, "loss": 2.5, "at": 1100.0})
    assert seen.seconds_left(1100.0) == 300.0
    assert seen.told(1100.0) == "step 20 of 50, loss 2.500, 5 min left"
