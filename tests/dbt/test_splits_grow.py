"""Splits are given once: what is new changes only what it touches, a full build forgets nothing, and whoever merges is held out."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lake.snapshot_tables import Member, write_members
from tests.dbt.growing_lake import Rows, append_load, differing_models, released_rows
from tests.dbt.projects import Built, dbt
from tests.dbt.split_world import Work, child, load_of, split_project, words

pytestmark = pytest.mark.slow

AS_OF = [datetime(2026, 4, day, tzinfo=UTC) for day in (1, 2, 3)]
SHARED = words("what many say", 60)
Line = tuple[str, dict[str, Any]]


def changed(text: str, count: int) -> str:
    """The text with so many of its last words exchanged."""
    kept = text.split()[:-count]
    return " ".join([*kept, *words(text, count).split()])


def first_works() -> list[Work]:
    """Eighty beads of two episodes each, patrols in long sessions, near-duplicates, and an answer that many give."""
    works = []
    for number in range(80):
        for attempt in (1, 2):
            name = f"p{number}-{attempt}"
            works.append(Work(name, number, (words(name), words(f"{name} more")), bead=f"b{number}"))
    works += [Work(f"w{number}", number // 5, (words(f"w{number}"),), role_family="witness", session=f"patrol{number // 5}",
                   number=1 + number % 5) for number in range(50)]  # fmt: skip
    works += [Work(f"m{number}", number, (words(f"m{number}"), SHARED), role_family="crew") for number in range(40)]
    works += [Work("first", 3, (words("alike", 400),)), Work("second", 9, (changed(words("alike", 400), 10),))]
    works += [Work("short1", 4, ("ok",)), Work("short2", 5, ("ok",)), Work("bare", 6, (words("x"),), is_admitted=False)]
    return works


def lines(works: Iterable[Work]) -> list[Line]:
    """The upstream rows of works."""
    return [row for work in works for row in work.rows()]


@dataclass(frozen=True)
class Grown:
    """A lake that was built after each of three loads, and after that once in full. `splits`: after each build."""

    project: Path
    lake: Path
    loads: list[Rows]
    builds: list[Built]
    splits: list[dict[str, tuple[Any, ...]]]
    merged: tuple[str, str]


def splits_of(lake: Path) -> dict[str, tuple[Any, ...]]:
    """episode → (group, split, first split, how given, reason to keep it out)."""
    columns = "episode_key, group_key, split, first_split, assigned_by, split_excluded_reason"
    return {str(row[0]): row[1:] for row in released_rows(lake, "fct_splits", columns)}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    """The lake. The second load makes relatives of a bead in train and one in eval, after a snapshot was made."""
    folder = tmp_path_factory.mktemp("splits")
    found = Grown(split_project(folder / "project"), folder / "lake", [], [], [], ("", ""))

    def build(*arguments: str) -> None:
        found.builds.append(dbt(found.project, found.lake, *arguments))
        assert found.builds[-1].exit_code == 0, found.builds[-1].output
        found.splits.append(splits_of(found.lake))

    def load(rows: list[Line]) -> None:
        found.loads.append(load_of(AS_OF[len(found.loads)], rows))
        append_load(found.lake, len(found.loads), found.loads[-1])
        build()

    load(lines(first_works()))
    given = found.splits[0]
    train, held_out = (next(number for number in range(80) if given[f"p{number}-1"][1] == split) for split in ("train", "eval"))
    member = {"example_key": "x", "group_key": None, "scope": "base", "startup": None, "role_family": "polecat"}
    write_members(found.lake, "first", "0" * 16, [Member(episode_key=f"p{train}-1", split="train", **member)])
    late = [Work("late", 70, (changed(words("alike", 400), 5),)), Work("new", 71, (words("new"),), bead="b-new")]
    load([*lines(late), child(f"b{train}", f"b{held_out}")])
    load(lines([Work(f"p7-{attempt}", 80, (words(f"again {attempt}"),), bead="b7") for attempt in (3, 4)]))
    build("--full-refresh")
    return Grown(found.project, found.lake, found.loads, found.builds, found.splits, (f"p{train}", f"p{held_out}"))


def test_builds_after_the_first_go_on(grown: Grown) -> None:
    assert [build.log["mode"] for build in grown.builds] == ["full", "incremental", "incremental", "full"]


def test_every_split_has_groups_of_every_role_and_train_has_most(grown: Grown) -> None:
    given = grown.splits[0]
    assert len(given) == 254  # all but the one that nobody admitted
    for role in "pwm":
        counts = {split: len({row[0] for key, row in given.items() if key.startswith(role) and row[1] == split})
                  for split in ("train", "eval", "test")}  # fmt: skip
        assert counts["train"] > counts["eval"] >= 3
        assert counts["test"] >= 3


def test_work_on_one_bead_and_near_duplicates_are_one_group_and_patrols_of_a_session_are_not(grown: Grown) -> None:
    given = grown.splits[0]
    assert given["p3-1"][:2] == given["p3-2"][:2]
    assert given["first"][:2] == given["second"][:2]
    assert len({given[f"w{number}"][0] for number in range(50)}) == 50
    assert given["short1"][0] != given["short2"][0]


def test_an_answer_of_eval_is_kept_out_of_train(grown: Grown) -> None:
    reasons = {(row[1], row[4]) for key, row in grown.splits[0].items() if key.startswith("m")}
    assert reasons == {("train", "holds_eval_turn"), ("eval", None), ("test", None)}


def test_what_is_new_changes_no_split_of_what_it_does_not_touch(grown: Grown) -> None:
    train, held_out = grown.merged
    touched = {f"{bead}-{attempt}" for bead in (train, held_out) for attempt in (1, 2)}
    for before, after in zip(grown.splits[:2], grown.splits[1:3], strict=True):
        assert {key: row[1:] for key, row in before.items() if key not in touched} == {
            key: after[key][1:] for key in before if key not in touched
        }


def test_when_groups_merge_the_strictest_split_holds_and_what_was_trained_on_is_out(grown: Grown) -> None:
    train, held_out = grown.merged
    after = grown.splits[1]
    assert len({after[f"{bead}-{attempt}"][0] for bead in (train, held_out) for attempt in (1, 2)}) == 1
    assert [after[f"{train}-{attempt}"][1:] for attempt in (1, 2)] == [
        ("eval", "train", grown.splits[0][f"{train}-1"][3], "seen_in_training"),
        ("eval", "train", grown.splits[0][f"{train}-2"][3], None),
    ]
    assert after[f"{held_out}-1"][1] == "eval"


def test_what_comes_late_joins_the_group_it_is_like_and_few_words_to_other_prompts_are_no_copy(grown: Grown) -> None:
    after = grown.splits[2]
    assert after["late"][0] == after["first"][0]
    assert after["late"][3] == "joined"
    assert after["p7-3"][:2] == after["p7-1"][:2]
    columns = "conversation_key, kind, duplicate_of_conversation_key, similarity > 0.9"
    assert released_rows(grown.lake, "fct_duplicates", columns) == [
        ("late-main", "near", "first-main", True),
        ("second-main", "near", "first-main", True),
    ]


def test_eval_is_frozen_by_builds_that_go_on_and_by_a_full_one(grown: Grown) -> None:
    for before, after in zip(grown.splits[:-1], grown.splits[1:], strict=True):
        held_out = {key for key, row in before.items() if row[1] in ("eval", "test")}
        assert {key: after[key][1] for key in held_out} == {key: before[key][1] for key in held_out}
    assert grown.splits[2] == grown.splits[3]


def test_a_grown_lake_holds_what_one_full_build_of_shuffled_rows_holds(grown: Grown, tmp_path: Path) -> None:
    """But for splits, which are given at first sight: there, groups that one build sees at once are one from the start."""
    rows = [(name, table) for load in grown.loads for name, table in load.items()]
    dice = random.Random(1)
    for number, (name, table) in enumerate(rows, start=1):
        order = list(range(table.num_rows))
        dice.shuffle(order)
        append_load(tmp_path / "lake", number, {name: table.take(order)})
    built = dbt(grown.project, tmp_path / "lake")
    assert built.exit_code == 0, built.output
    differing = differing_models(grown.lake, tmp_path / "lake")
    assert set(differing) <= {"int_seen_in_training"}, differing  # this lake has no snapshot
    train, held_out = grown.merged
    fresh, old = splits_of(tmp_path / "lake"), grown.splits[3]
    others = [key for key in fresh if not key.startswith((f"{train}-", f"{held_out}-"))]
    assert [key for key in others if fresh[key][:2] != old[key][:2]] == []
