"""`forge train run` with a stand-in for Axolotl: what is recorded, repeated, resumed, and what a failure leaves behind."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lake.locks import LockHeldError, lock
from lake.snapshot_tables import Member, write_members
from lake.tell import Told
from lake.tokens import DEFAULT
from tests.training.fake_train_env import calls, fail_once, install
from tests.training.snapshots import mayor_snapshot, read_members
from training.evaluation_table import read_evaluations
from training.promotion import decide
from training.promotion_rules import rules_of_the_tree
from training.registry import Registry, register
from training.run import drop_unfinished_checkpoints
from training.run_table import RUNS, read_runs
from training.run_text import run_named
from training.shared_only import shared_adapters_trained_on_own_only


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the stand-in, which FORGE_TRAIN_PYTHON names."""
    folder = tmp_path / "env"
    monkeypatch.setenv("FORGE_TRAIN_PYTHON", str(install(folder)))
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's folder as far as a configuration looks at it."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    shutil.copyfile(DEFAULT, folder / "tokenizer.json")
    return folder


@pytest.fixture
def trained_lake(lake: Path) -> Path:
    """A lake with a mayor's snapshot of enough evaluation groups, and its members."""
    folder = mayor_snapshot(lake, evaluated=24)
    write_members(lake, "autumn", "5" * 64, read_members(folder))
    return lake


def train(lake: Path, model: Path, startup: str = "base", *, parent: str | None = None, reason: str = "a test") -> None:
    """Run one training on the CPU profile."""
    run_named(lake, startup, "mayor", "autumn", profile="cpu", model=str(model), parent=parent, recipe=None, reason=reason)


def only_run(lake: Path) -> dict[str, object]:
    """The one run there is, in its present state."""
    (row,) = read_runs(lake).values()
    return row


def test_a_run_records_what_it_did_and_registers_a_candidate(trained_lake: Path, model: Path, programs: Path) -> None:
    train(trained_lake, model, reason="the first")
    assert calls(programs) == ["check_config", "versions", "preprocess", "train", "evaluate_rows"]
    run = only_run(trained_lake)
    assert run["status"] == "done"
    assert (run["target"], run["reason"], run["snapshot_id"], run["profile"]) == ("base/mayor", "the first", "5" * 64, "cpu")
    assert (run["steps"], run["learned_tokens"], run["train_loss"], run["eval_loss"]) == (2, 120, 2.25, 1.5)
    assert json.loads(str(run["versions"])) == {"python": "3.11", "torch": "0"}
    assert all(float(str(run[f"{step}_seconds"])) > 0 for step in ("preprocess", "train", "evaluate"))
    adapter = Registry.read(trained_lake).adapters[str(run["adapter_id"])]
    assert (adapter.status, adapter.learn, adapter.run_id, adapter.target) == ("candidate", "shared", run["run_id"], "base/mayor")
    assert adapter.artefact_hash == run["artefact_hash"]
    rows = read_evaluations(trained_lake, {adapter.adapter_id, f"model:{model}"})
    assert {row.subject for row in rows} == {adapter.adapter_id, f"model:{model}"}
    assert len(rows) == 2 * 24
    assert (
        sum(row.valid_verbs for row in rows)
        == sum(row.generated_verbs for row in rows)
        == sum(row.generated_turns for row in rows)
        == 2
    )


def test_the_same_run_again_does_nothing(
    trained_lake: Path, model: Path, programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(trained_lake, model)
    before, rows = calls(programs), list(RUNS.rows(trained_lake))
    train(trained_lake, model, reason="again")
    assert calls(programs) == before
    assert len(list(RUNS.rows(trained_lake))) == len(rows)
    assert "is done already: adapter" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("step", "program", "failure"),
    [
        ("preprocess", "preprocess", "1 of 2 rows have no token that is learned"),
        ("train", "train", "RuntimeError: out of memory (exit code 1; the whole log: "),
        ("evaluate", "evaluate_rows", "ValueError: nothing fits (exit code 1"),
    ],
)
def test_a_failed_run_says_why_and_goes_on_where_it_stopped(
    trained_lake: Path, model: Path, programs: Path, step: str, program: str, failure: str
) -> None:
    fail_once(programs, program)
    with pytest.raises(Told, match=f"failed in {step}: "):
        train(trained_lake, model)
    run = only_run(trained_lake)
    assert (run["status"], run["failed_step"]) == ("failed", step)
    assert str(run["failure"]).startswith(failure)
    assert not Registry.read(trained_lake).adapters
    done_before = {"preprocess": [], "train": ["preprocess"], "evaluate": ["preprocess", "train"]}[step]
    train(trained_lake, model)
    assert only_run(trained_lake)["status"] == "done"
    assert all(calls(programs).count(name) == 1 for name in done_before)
    assert calls(programs).count(program) == 2
    assert len(Registry.read(trained_lake).adapters) == 1


def test_an_overlay_stands_on_its_parent_and_the_registry_says_what_was_decided(
    trained_lake: Path, model: Path, programs: Path
) -> None:
    train(trained_lake, model)
    base = str(only_run(trained_lake)["adapter_id"])
    decision = decide(trained_lake, base, rules_of_the_tree())
    assert decision["outcome"] == "promote"
    train(trained_lake, model, "sfgastown")
    registry = Registry.read(trained_lake)
    (overlay,) = (each for each in registry.adapters.values() if each.startup == "sfgastown")
    assert overlay.parent_adapter_id == base
    assert overlay.learn == "own"
    assert registry.resolve("sfgastown", "mayor").adapter == registry.champion(None, "mayor")
    decision = decide(trained_lake, overlay.adapter_id, rules_of_the_tree())
    # The stand-in's overlay is exactly as good as its base: no sure win.
    assert decision["outcome"] == "keep"
    assert {each["opponent"] for each in decision["comparisons"]} == {f"model {model}", f"parent {base}"}
    found = Registry.read(trained_lake).resolve("sfgastown", "mayor")
    assert (found.source, found.adapter and found.adapter.adapter_id) == ("base", base)


def test_an_overlay_is_evaluated_on_its_bases_rows_too_and_the_model_only_once(
    trained_lake: Path, model: Path, programs: Path
) -> None:
    train(trained_lake, model)
    train(trained_lake, model, "sfgastown", parent=str(only_run(trained_lake)["adapter_id"])[:6])
    (overlay,) = (each for each in Registry.read(trained_lake).adapters.values() if each.startup)
    rows = read_evaluations(trained_lake, {overlay.adapter_id})
    assert {(row.scope, row.startup) for row in rows} == {("base", None), ("overlay", "sfgastown")}
    assert len(rows) == 48


def test_assert_no_shared_adapter_trained_on_own_only(trained_lake: Path, model: Path, programs: Path) -> None:
    train(trained_lake, model)
    train(trained_lake, model, "sfgastown", parent=str(only_run(trained_lake)["adapter_id"]))
    assert shared_adapters_trained_on_own_only(trained_lake) == []


def test_a_shared_adapter_whose_rows_stand_in_no_base_is_found(lake: Path, model: Path, programs: Path) -> None:
    folder = mayor_snapshot(lake)
    members = [member for member in read_members(folder) if member.scope == "overlay"]
    write_members(lake, "autumn", "5" * 64, [Member(**{**vars(member), "scope": "base"}) for member in members[:3]])
    train(lake, model)
    other = [Member(**{**vars(member), "example_key": f"x-{member.example_key}"}) for member in members]
    write_members(lake, "winter", "6" * 64, other)

    (base,) = Registry.read(lake).adapters.values()
    register(lake, replace(base, adapter_id="0" * 16, artefact_hash="0" * 64, startup="sfgastown", snapshot_id="6" * 64))
    (told,) = shared_adapters_trained_on_own_only(lake)
    assert told.startswith(f"{'0' * 16} of overlay/sfgastown/mayor is shared, but {len(other) - 8} of its training rows")


def test_a_checkpoint_that_was_cut_short_is_not_resumed_from(tmp_path: Path) -> None:
    for step, files in {10: ["adapter_model.safetensors", "trainer_state.json"], 20: ["adapter_model.safetensors"]}.items():
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        for name in files:
            (folder / name).touch()
    drop_unfinished_checkpoints(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-10"]


def test_two_runs_do_not_train_at_once(trained_lake: Path, model: Path, programs: Path) -> None:
    with lock(trained_lake, "train"), pytest.raises(LockHeldError, match="train is locked by process"):
        train(trained_lake, model)
