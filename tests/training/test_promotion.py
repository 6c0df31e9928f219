"""Promises of decisions: they rest on unseen rows, are written down before they act, and are made once."""

from dataclasses import replace
from pathlib import Path

import pytest

from lake.snapshot_tables import Member, write_members
from tests.training.adapters import adapter, serving
from tests.training.evaluations import RULES, evaluations
from training.evaluation_table import write_evaluations
from training.promotion import decide, decisions
from training.registry import Registry, RegistryError, register

WORSE = [2.0 + 0.01 * number for number in range(30)]
BETTER = [loss - 0.3 for loss in WORSE]
SNAPSHOT = "5" * 16


def trained_on(lake: Path, snapshot_id: str, *episodes: int) -> None:
    """Remember a snapshot that trains on these episodes (and, always, on one that is nobody's evaluation)."""
    keys = [f"episode-{number}" for number in episodes] + ["another"]
    members = [Member(f"trained-{key}", key, f"of-{key}", "train", "base", "mill", "mayor") for key in keys]
    write_members(lake, "autumn", snapshot_id, members)


def status(lake: Path, adapter_id: str) -> str:
    return Registry.read(lake).adapters[adapter_id].status


def test_a_win_promotes_and_the_row_has_the_numbers(lake: Path) -> None:
    trained_on(lake, SNAPSHOT)
    register(lake, adapter("b1", "base/mayor"))
    write_evaluations(lake, evaluations("b1", BETTER) + evaluations("model:tiny", WORSE))
    row = decide(lake, "b1", RULES)
    assert row["outcome"] == "promote"
    assert Registry.read(lake).resolve("mill", "mayor").adapter == Registry.read(lake).champion(None, "mayor")
    (stored,) = decisions(lake)
    assert stored["decision_id"] == row["decision_id"] == Registry.read(lake).adapters["b1"].decision_id
    assert stored["comparisons"][0]["loss_difference"] == pytest.approx(-0.3)


def test_a_loss_retires_the_challenger_and_leaves_who_serves(lake: Path) -> None:
    trained_on(lake, SNAPSHOT)
    serving(lake, "b1", "base/mayor")
    register(lake, adapter("b2", "base/mayor"))
    write_evaluations(lake, evaluations("b2", WORSE) + evaluations("b1", BETTER) + evaluations("model:tiny", WORSE))
    assert decide(lake, "b2", RULES)["outcome"] == "keep"
    assert (status(lake, "b1"), status(lake, "b2")) == ("champion", "retired")
    assert Registry.read(lake).adapters["b2"].reason.startswith("lost: no sure win against")


def test_rows_that_a_parent_trained_on_are_left_out_and_too_few_are_no_decision(lake: Path) -> None:
    trained_on(lake, SNAPSHOT)
    trained_on(lake, "6" * 16, *range(15))
    register(lake, replace(adapter("b1", "base/mayor"), snapshot_id="6" * 16))
    register(lake, adapter("o1", "overlay/mill/mayor", parent="b1"))
    own = {"scope": "overlay", "startup": "mill"}
    for subject, losses in (("o1", BETTER), ("b1", WORSE), ("model:tiny", WORSE)):
        write_evaluations(lake, evaluations(subject, losses, **own))
    row = decide(lake, "o1", RULES)
    assert (row["outcome"], row["eval_group_count"], row["excluded_group_count"]) == ("not_enough_eval", 15, 15)
    assert status(lake, "o1") == "candidate"


def test_an_overlay_is_not_judged_on_the_rows_of_the_base_or_of_another_startup(lake: Path) -> None:
    trained_on(lake, SNAPSHOT)
    register(lake, adapter("o1", "overlay/mill/mayor"))
    for subject, losses in (("o1", BETTER), ("model:tiny", WORSE)):
        write_evaluations(lake, evaluations(subject, losses))
        write_evaluations(lake, evaluations(subject, losses, scope="overlay", startup="ferry"))
    assert decide(lake, "o1", RULES)["eval_group_count"] == 0


def test_nothing_is_unseen_by_an_adapter_whose_training_data_is_not_known_here(lake: Path) -> None:
    trained_on(lake, SNAPSHOT)
    serving(lake, "b1", "base/mayor", parent="of-another-town")
    register(lake, adapter("b2", "base/mayor"))
    write_evaluations(lake, evaluations("b2", BETTER) + evaluations("b1", WORSE) + evaluations("model:tiny", WORSE))
    row = decide(lake, "b2", RULES)
    assert (row["outcome"], row["excluded_group_count"]) == ("not_enough_eval", 30)
    assert "of-another-town" in row["reason"]


def test_the_same_evidence_decides_once_and_new_evidence_anew(lake: Path) -> None:
    trained_on(lake, SNAPSHOT)
    register(lake, adapter("b1", "base/mayor"))
    few = evaluations("b1", BETTER[:5]) + evaluations("model:tiny", WORSE[:5])
    write_evaluations(lake, few)
    first = decide(lake, "b1", RULES)
    assert decide(lake, "b1", RULES)["decision_id"] == first["decision_id"]
    assert len(decisions(lake)) == 1
    write_evaluations(lake, evaluations("b1", BETTER) + evaluations("model:tiny", WORSE))
    assert decide(lake, "b1", RULES)["outcome"] == "promote"
    assert decide(lake, "b1", RULES)["outcome"] == "promote"
    assert [row["outcome"] for row in decisions(lake)] == ["not_enough_eval", "promote"]


def test_who_is_no_candidate_and_was_never_judged_cannot_be_decided_about(lake: Path) -> None:
    serving(lake, "b1", "base/mayor")
    with pytest.raises(RegistryError, match="is champion, not a candidate"):
        decide(lake, "b1", RULES)
