"""`forge train config`: one plain file, what it says of its origin, and what is refused before anything is rented."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from ingest.positioned_yaml import PolicyFileError
from lake.tell import Told
from lake.tokens import DEFAULT, file_hash
from tests.training.adapters import adapter
from tests.training.snapshots import mayor_snapshot
from training.adapter_table import Adapter
from training.axolotl_keys import table
from training.config import Resolved
from training.config_text import check_by_axolotl, resolve_named
from training.recipe import RECIPE
from training.registry import promote, register

BASE_ID = "abcdef0123456789"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's folder as far as a configuration looks at it."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    shutil.copyfile(DEFAULT, folder / "tokenizer.json")
    return folder


def resolved(lake: Path, model: Path, startup: str = "base", **more: str | None) -> Resolved:
    """What `forge train config` resolves, on the CPU unless told otherwise."""
    named = {"profile": "cpu", "parent": None, "role": "mayor", "snapshot": "autumn"} | more
    role, snapshot, profile = str(named["role"]), str(named["snapshot"]), str(named["profile"])
    return resolve_named(lake, startup, role, snapshot, profile=profile, model=str(model), parent=named["parent"], recipe=None)


def serving_base(lake: Path, model: Path, **more: str) -> Adapter:
    """A champion of base/mayor whose files are there."""
    folder = lake / "adapters" / BASE_ID
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"r": 32, "lora_alpha": 32, "use_dora": False}))
    made = replace(
        adapter(BASE_ID, "base/mayor"), base_model=str(model), tokenizer_hash=file_hash(DEFAULT), local_path=str(folder), **more
    )
    register(lake, made)
    return promote(lake, BASE_ID, "first")


def test_a_base_is_plain_axolotl_with_the_snapshots_id_in_paths_and_comments(lake: Path, model: Path) -> None:
    folder = mayor_snapshot(lake)
    found = resolved(lake, model)
    values = yaml.safe_load(found.text)
    assert values == found.values
    assert set(values) <= set(table())
    assert values["datasets"][0]["path"] == str(folder / "data/base/mayor/sft/train.parquet")
    assert values["test_datasets"][0]["path"] == str(folder / "data/base/mayor/sft/eval.parquet")
    assert "5" * 16 in values["dataset_prepared_path"]
    assert values["val_set_size"] == 0
    assert "lora_model_dir" not in values
    assert f"# snapshot  autumn {'5' * 64}" in found.text
    assert "lora_r: 32 # recipe.yaml:" in found.text


def test_every_line_of_the_file_says_where_its_value_comes_from(lake: Path, model: Path) -> None:
    mayor_snapshot(lake)
    found = resolved(lake, model)
    assert set(found.origins) >= set(found.values)
    recipe = RECIPE.read_text().splitlines()
    for key, origin in found.origins.items():
        if origin.startswith("recipe.yaml:"):
            assert recipe[int(origin.split(":")[1].split()[0]) - 1].strip().startswith(f"{key}:")


def test_an_overlay_goes_on_from_the_champion_of_its_base(lake: Path, model: Path) -> None:
    mayor_snapshot(lake)
    parent = serving_base(lake, model)
    found = resolved(lake, model, "sfgastown")
    assert found.values["lora_model_dir"] == parent.local_path
    assert found.parent is not None
    assert found.parent.adapter_id == BASE_ID
    assert found.values["datasets"][0]["path"].endswith("data/overlay/sfgastown/mayor/sft/train.parquet")
    assert found.values["learning_rate"] == 0.0001
    assert resolved(lake, model, "sfgastown", parent=BASE_ID[:4]).run_id == found.run_id


def test_an_overlay_without_a_base_says_what_to_do(lake: Path, model: Path) -> None:
    mayor_snapshot(lake)
    with pytest.raises(Told, match="base/mayor, which has no champion: train and promote that first"):
        resolved(lake, model, "sfgastown")


def test_an_overlay_of_another_rank_than_its_parent_is_refused(lake: Path, model: Path) -> None:
    mayor_snapshot(lake)
    parent = serving_base(lake, model)
    Path(str(parent.local_path), "adapter_config.json").write_text(json.dumps({"r": 8, "lora_alpha": 32}))
    with pytest.raises(PolicyFileError, match=r"defaults.lora_r: is 32, but 8 in its parent"):
        resolved(lake, model, "sfgastown")


def test_a_parent_of_another_model_or_role_is_refused(lake: Path, model: Path, tmp_path: Path) -> None:
    mayor_snapshot(lake)
    serving_base(lake, tmp_path / "elsewhere")
    with pytest.raises(Told, match=r"adapts .*elsewhere, not "):
        resolved(lake, model, "sfgastown")
    register(lake, adapter("feedfeedfeedfeed", "overlay/laneworks/mayor"))
    with pytest.raises(Told, match="is overlay/laneworks/mayor: overlay/sfgastown/mayor cannot go on from it"):
        resolved(lake, model, "sfgastown", parent="feed")


def test_another_tokenizer_than_the_snapshots_is_refused(lake: Path, model: Path) -> None:
    mayor_snapshot(lake, tokenizer="0" * 32)
    with pytest.raises(Told, match=f"was cut with tokenizer {'0' * 32}, but .* has {file_hash(DEFAULT)}"):
        resolved(lake, model)


def test_a_snapshot_without_the_target_says_what_it_has(lake: Path, model: Path) -> None:
    mayor_snapshot(lake)
    with pytest.raises(Told, match="has no training rows for base/witness; it has base/mayor, overlay/sfgastown/mayor"):
        resolved(lake, model, role="witness")
    with pytest.raises(Told, match="no snapshot winter; there are autumn/555555555555"):
        resolved(lake, model, snapshot="winter")
    with pytest.raises(Told, match="overseer is no trained role"):
        resolved(lake, model, role="overseer")


def test_a_withdrawn_snapshot_is_refused(lake: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mayor_snapshot(lake)
    monkeypatch.setattr("training.training_data.withdrawn", lambda lake: {"5" * 64: "3 examples without consent"})
    with pytest.raises(Told, match="must not be trained on any more: 3 examples without consent"):
        resolved(lake, model)


def test_without_evaluation_rows_nothing_is_evaluated(lake: Path, model: Path) -> None:
    mayor_snapshot(lake, evaluated=0)
    found = resolved(lake, model)
    assert not {"test_datasets", "evals_per_epoch"} & set(found.values)


def test_the_run_is_the_same_for_the_same_inputs_and_another_for_others(lake: Path, model: Path, tmp_path: Path) -> None:
    mayor_snapshot(lake)
    first = resolved(lake, model)
    assert first.run_id == resolved(lake, model).run_id
    assert first.run_id == resolved(lake, model, snapshot="autumn/555").run_id
    assert first.run_id in first.values["output_dir"]
    moved = tmp_path / "moved"
    shutil.copytree(model, moved)
    assert resolved(lake, moved).run_id == first.run_id
    assert resolved(lake, model, profile="24gb").run_id != first.run_id
    mayor_snapshot(tmp_path / "other", train=13)
    (moved / "config.json").write_text('{"hidden_size": 1}')
    assert resolved(lake, moved).run_id != first.run_id


def test_an_unknown_profile_or_model_says_what_there_is(lake: Path, model: Path) -> None:
    mayor_snapshot(lake)
    with pytest.raises(Told, match="has no profile 16gb; it has cpu, 12gb, 24gb, 80gb"):
        resolved(lake, model, profile="16gb")
    with pytest.raises(Told, match="no such folder; `forge train model --tiny`"):
        resolved(lake, Path("/nowhere/model"))
    with pytest.raises(Told, match=r"tokenizer.json is not at hand; download the model first"):
        resolved(lake, Path("some/model"))


def test_special_tokens_that_the_model_lacks_are_refused(lake: Path, model: Path, tmp_path: Path) -> None:
    mayor_snapshot(lake)
    recipe = tmp_path / "own" / "recipe.yaml"
    recipe.parent.mkdir()
    recipe.write_text(
        RECIPE.read_text().replace('"<|im_end|>"', '"<end>"').replace("../simtown/chat_template.jinja", "tokenizer_default")
    )
    with pytest.raises(PolicyFileError, match=r"model.eos_token: <end> is no token of"):
        resolve_named(lake, "base", "mayor", "autumn", profile="cpu", model=str(model), parent=None, recipe=recipe)


@pytest.mark.slow
def test_axolotl_accepts_the_trees_recipe_on_every_profile_and_tells_what_it_refuses(
    lake: Path, tiny_model: Path, tmp_path: Path
) -> None:
    mayor_snapshot(lake)
    for profile in ("cpu", "12gb", "24gb", "80gb"):
        check_by_axolotl(resolved(lake, tiny_model, profile=profile), tmp_path)
    found = resolved(lake, tiny_model, profile="24gb")
    wrong = replace(found, values=found.values | {"load_in_8bit": True}, origins=found.origins | {"load_in_8bit": "this test"})
    with pytest.raises(Told, match=r"(?s)Axolotl refuses this configuration.*8bit"):
        check_by_axolotl(wrong, tmp_path)
