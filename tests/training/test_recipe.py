"""The recipe: what stands in it is accepted by Axolotl, what wins over what, and mistakes with their key and line."""

from pathlib import Path

import pytest

from ingest.positioned_yaml import PolicyFileError
from training.axolotl_keys import FORGE_SETS, TABLE, fault, table
from training.recipe import RECIPE, read_recipe
from training.recipe_rules import problems
from training.train_env import run_program

SMALL = """\
model:
  base_model: some/model
  chat_template: tokenizer_default
  eos_token: "<|im_end|>"
  pad_token: "<|endoftext|>"
defaults:
  adapter: qlora
  load_in_4bit: true
  sequence_len: 2048
  micro_batch_size: 1
  gradient_accumulation_steps: 4
  num_epochs: 2
  learning_rate: 0.0002
profiles:
  cpu:
    hardware: this machine
    price_per_hour: 0
    axolotl: {bf16: false, lora_mlp_kernel: false, lora_qkv_kernel: false, lora_o_kernel: false}
  gpu:
    hardware: a card
    price_per_hour: 0.5
    gpu: {compute_capability: sm_86, count: 1}
    axolotl: {bf16: true}
"""


def recipe_file(folder: Path, old: str = "", new: str = "") -> Path:
    """The small recipe with one passage replaced."""
    assert old in SMALL
    path = folder / "recipe.yaml"
    path.write_text(SMALL.replace(old, new, 1) if old else SMALL + new)
    return path


def test_the_trees_recipe_fits_every_profile_role_and_kind() -> None:
    recipe = read_recipe(RECIPE)
    assert set(recipe.profiles) == {"cpu", "12gb", "24gb", "80gb"}
    for profile in recipe.profiles.values():
        for role in ("crew", "deacon", "mayor", "polecat", "refinery", "witness"):
            for kind in ("base", "overlay"):
                assert problems(recipe.settings(kind, role, "any", profile), profile, longest=4096) == []


def test_every_default_of_the_trees_recipe_has_its_reason() -> None:
    lines = RECIPE.read_text().split("defaults:\n")[1].split("\nevaluation:")[0].splitlines()
    assert [line for line in lines if "# " not in line] == []


def test_the_later_section_wins_and_says_where_it_stands(tmp_path: Path) -> None:
    more = (
        "kinds:\n  overlay: {num_epochs: 1, seed: 1}\n"
        "roles:\n  mayor: {seed: 2, lora_r: 8}\n"
        "startups:\n  lane/works:\n    all: {seed: 3}\n    mayor: {seed: 4}\n    crew: {seed: 5}\n"
    )
    recipe = read_recipe(recipe_file(tmp_path, new=more))
    cpu = recipe.profiles["cpu"]
    settings = recipe.settings("overlay", "mayor", "lane/works", cpu)
    assert {key: settings[key].value for key in ("num_epochs", "seed", "lora_r", "bf16")} == {
        "num_epochs": 1,
        "seed": 4,
        "lora_r": 8,
        "bf16": False,
    }
    assert (settings["seed"].place, settings["seed"].line) == ("startups.lane/works.mayor", SMALL.count("\n") + 8)
    assert recipe.settings("overlay", "witness", "lane/works", cpu)["seed"].value == 3
    assert recipe.settings("base", "mayor", None, cpu)["seed"].value == 2
    assert "seed" not in recipe.settings("base", "witness", None, cpu)


FAULTS = [
    ("num_epochs: 2", "num_epoch: 2", "recipe.yaml:12: defaults.num_epoch: is no key of Axolotl; did you mean 'num_epochs'?"),
    ("num_epochs: 2", "num_epochs: two", "recipe.yaml:12: defaults.num_epochs: must be a number; it is 'two'"),
    ("0.0002", "2e-4", "recipe.yaml:13: defaults.learning_rate: must be a number; it is '2e-4' (a number with an exponent needs"),
    ("num_epochs: 2", "lora_r: 8.5", "recipe.yaml:12: defaults.lora_r: must be a whole number; it is 8.5"),
    ("num_epochs: 2", "load_in_8bit: 1", "recipe.yaml:12: defaults.load_in_8bit: must be true or false; it is 1"),
    ("num_epochs: 2", "optimizer: adamw_torsh", "recipe.yaml:12: defaults.optimizer: must be one of adafactor, "),
    ("num_epochs: 2", "excess_length_strategy: cut", "must be one of drop, raise, truncate; it is 'cut'"),
    ("num_epochs: 2", "val_set_size: 0.1", "recipe.yaml:12: defaults.val_set_size: may not stand here: it is always 0"),
    ("num_epochs: 2", "datasets: []", "may not stand here: it follows from the snapshot"),
    ("num_epochs: 2", "adapter: lora", "recipe.yaml:12: defaults.adapter: stands here a second time (first on line 7); keep one"),
    ("num_epochs: 2", "num_epochs:", "recipe.yaml:12: defaults.num_epochs: has no value"),
    ("defaults:", "default:", "recipe.yaml:6: default: is no known key; did you mean 'defaults'?"),
    ('  pad_token: "<|endoftext|>"\n', "", "recipe.yaml:2: model: lacks the key pad_token"),
    (
        "tokenizer_default",
        "nowhere.jinja",
        "model.chat_template: nowhere.jinja is no file beside the recipe, nor tokenizer_default",
    ),
    ("    price_per_hour: 0\n", "", "recipe.yaml:16: profiles.cpu: lacks the key price_per_hour"),
    ("price_per_hour: 0.5", "price_per_hour: -1", "profiles.gpu.price_per_hour: must be a price in dollars, at least 0; it is -1"),
    ("hardware: a card", "hardwear: a card", "profiles.gpu.hardwear: is no known key; did you mean 'hardware'?"),
    ("profiles:\n", "roles:\n  mayer: {seed: 1}\nprofiles:\n", "roles.mayer: is no known key; did you mean 'mayor'?"),
    ("profiles:\n", "startups:\n  lane: {seed: 1}\nprofiles:\n", "startups.lane.seed: is no known key; accepted: all, crew"),
    ("profiles:\n", "kinds: [base]\nprofiles:\n", "recipe.yaml:14: kinds: must be a mapping with the keys base, overlay"),
]


@pytest.mark.parametrize(("old", "new", "message"), FAULTS, ids=[fault[1].strip()[:30] or "missing" for fault in FAULTS])
def test_a_mistake_is_told_with_its_key_and_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(PolicyFileError) as raised:
        read_recipe(recipe_file(tmp_path, old, new))
    assert message in str(raised.value)


IMPOSSIBLE = [
    ("cpu", "bf16: false", "bf16: true", "profiles.cpu.axolotl.bf16: needs a GPU, and this profile has none"),
    ("cpu", "lora_o_kernel: false", "lora_dropout: 0.0", "lora_o_kernel: must be false without a GPU"),
    ("cpu", "bf16: false", "sample_packing: true", "sample_packing: needs a GPU"),
    ("cpu", "bf16: false", "optimizer: paged_adamw_8bit", "optimizer: paged_adamw_8bit needs a GPU: use adamw_torch"),
    ("cpu", "bf16: false", "attn_implementation: flash_attention_2", "flash_attention_2 needs a GPU: use sdpa"),
    ("gpu", "bf16: true", "sample_packing: true", "sample_packing: needs an attention that separates the samples"),
    ("gpu", "bf16: true", "bf16: true, fp16: true", "fp16: cannot go with bf16"),
    ("gpu", "load_in_4bit: true", "load_in_4bit: false", "defaults.adapter: qlora needs load_in_4bit: true"),
    ("gpu", "adapter: qlora", "adapter: lora", "defaults.load_in_4bit: belongs to adapter: qlora"),
    ("gpu", "adapter: qlora", "adapter: llama-adapter", "must be lora or qlora"),
    ("gpu", "bf16: true", "warmup_steps: 5, warmup_ratio: 0.1", "say the same in two ways: keep one"),
    ("gpu", "bf16: true", "eval_steps: 5, evals_per_epoch: 1", "say the same in two ways: keep one"),
    ("gpu", "bf16: true", "train_on_inputs: true", "would learn tool output and failed turns"),
    ("gpu", "num_epochs: 2", "seed: 2", "defaults.num_epochs: is missing: say num_epochs or max_steps"),
    ("gpu", "num_epochs: 2", "num_epochs: 0", "defaults.num_epochs: must be more than 0; it is 0"),
    ("gpu", "sequence_len: 2048", "sequence_len: 512", "sequence_len: is 512, but the longest example has 1000 tokens; raise it"),
    ("gpu", "  learning_rate: 0.0002\n", "", "defaults.learning_rate: is missing"),
]


@pytest.mark.parametrize(("profile", "old", "new", "message"), IMPOSSIBLE, ids=[fault[2].strip()[:30] for fault in IMPOSSIBLE])
def test_what_cannot_go_together_is_told_with_the_setting_at_fault(
    tmp_path: Path, profile: str, old: str, new: str, message: str
) -> None:
    recipe = read_recipe(recipe_file(tmp_path, old, new))
    machine = recipe.profiles[profile]
    told = [
        f"{problem.key}: {problem.message}" for problem in problems(recipe.settings("base", "mayor", None, machine), machine, 1000)
    ]
    assert any(message in line for line in told), told


def test_the_small_recipe_itself_has_no_mistake(tmp_path: Path) -> None:
    recipe = read_recipe(recipe_file(tmp_path))
    for machine in recipe.profiles.values():
        assert problems(recipe.settings("base", "mayor", None, machine), machine, 1000) == []


def test_what_the_run_decides_are_keys_of_axolotl() -> None:
    assert set(FORGE_SETS) <= set(table())


def test_a_whole_number_stands_for_a_number_but_truth_does_not() -> None:
    assert fault("learning_rate", 1) is None
    assert fault("num_epochs", True) is not None
    assert fault("bf16", "auto") is None
    assert fault("lora_target_modules", ["q_proj"]) is None


@pytest.mark.slow
def test_the_table_of_keys_is_that_of_the_installed_axolotl(train_env: Path, tmp_path: Path) -> None:
    assert run_program("axolotl_keys.py", [], tmp_path).strip() == TABLE.read_text().strip()
