"""Each difference between two snapshots has its reason."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from bench.snapshot_lake import SELECTION, publish_tables
from forge import app
from lake.snapshot_create import Created, Order, create_snapshot
from lake.snapshot_diff import difference
from lake.snapshot_erase import erase_rows
from lake.snapshot_source import Wanted
from tests.lake.test_snapshot_create import MESSAGES, example, placed, tables

pytestmark = pytest.mark.slow


def cut(lake: Path, rows: list[dict[str, Any]], *, left: dict[str, tuple[str, str]] | None = None, **given: Any) -> Created:
    """A snapshot of these rows; `left`: episode → stage and reason of its exclusion."""
    selected = [
        {"episode_key": key, "role_family": "polecat", "is_kept": False, "excluded_stage": stage, "excluded_reason": reason}
        for key, (stage, reason) in (left or {}).items()
    ]
    release = tables(rows, given.pop("examples", None)) | {"fct_selection": pa.Table.from_pylist(selected, schema=SELECTION)}
    publish_tables(lake, release)
    return create_snapshot(lake, Order("pool", **given))


def changes(before: Created, after: Created) -> dict[str, tuple[str, str, str | None]]:
    """Example → change, reason, detail."""
    found = difference(before.folder, after.folder)
    return {change.key.example_key: (change.change, change.reason, change.detail) for change in found.changes}


def test_rows_that_went_have_the_reason_of_the_later_release(lake: Path) -> None:
    before = cut(lake, [placed(number) for number in range(1, 7)])
    rows = [placed(1), placed(6, excluded_reason="not_shared")]
    left = {
        "ep2": ("consent", "no_consent"),
        "ep3": ("gate", "outcome_not_accepted"),
        "ep4": ("duplicate", "duplicate_near"),
        "ep5": ("cap", "bead_cap"),
    }
    assert changes(before, cut(lake, rows, left=left)) == {
        "x2": ("removed", "consent", "no_consent"),
        "x3": ("removed", "outcome_changed", "outcome_not_accepted"),
        "x4": ("removed", "duplicate", "duplicate_near"),
        "x5": ("removed", "score", "bead_cap"),
        "x6": ("removed", "consent", "not_shared"),
    }


def test_rows_that_came_have_the_reason_why_they_were_not_there(lake: Path) -> None:
    before = cut(lake, [placed(1)], left={"ep2": ("maturity", "not_mature"), "ep3": ("split", "holds_eval_turn")})
    after = cut(lake, [placed(number) for number in range(1, 5)])
    assert changes(before, after) == {
        "x2": ("added", "maturity", "not_mature"),
        "x3": ("added", "split", "holds_eval_turn"),
        "x4": ("added", "new_episode", None),
    }


def test_rows_that_changed_say_in_what(lake: Path) -> None:
    before = cut(lake, [placed(number) for number in range(1, 6)])
    texts = [example(number, messages=MESSAGES % ("new" if number == 4 else number)) for number in range(1, 7)]
    rows = [placed(1), placed(2, outcome="reopened"), placed(3, split="temporal_eval"), placed(4), placed(5, group_key="merged")]
    assert changes(before, cut(lake, rows, examples=texts)) == {
        "x2": ("changed", "outcome_changed", "outcome"),
        "x3": ("changed", "split", "split"),
        "x4": ("changed", "content", "messages"),
        "x5": ("changed", "group", "group_key"),
    }


def test_examples_of_an_episode_that_is_still_there_were_recut(lake: Path) -> None:
    before = cut(lake, [placed(1), placed(2)])
    after = cut(lake, [placed(1), placed(3, episode_key="ep2")])
    assert changes(before, after) == {"x2": ("removed", "recut", None), "x3": ("added", "recut", None)}


def test_what_was_not_asked_for_is_not_called_gone(lake: Path) -> None:
    rows = [placed(1), placed(2, role_family="mayor"), placed(1, scope="overlay")]
    before = cut(lake, rows)
    assert changes(before, cut(lake, rows, wanted=Wanted(roles=("polecat",)))) == {"x2": ("removed", "not_asked_for", None)}
    found = difference(before.folder, cut(lake, rows, wanted=Wanted(startups=("alpha",))).folder)
    assert found.counts() == {"added": {}, "removed": {"not_asked_for": 2}, "changed": {}}
    assert found.unchanged == 1


def test_an_erased_row_was_not_lost(lake: Path) -> None:
    before, after = cut(lake, [placed(1), placed(2)]), cut(lake, [placed(1), placed(2), placed(3)])
    erase_rows(after.folder, {"x2"}, "asked for")
    assert changes(before, after) == {"x2": ("removed", "erased", None), "x3": ("added", "new_episode", None)}


def test_the_same_snapshot_does_not_differ_however_often_rows_are_repeated(lake: Path) -> None:
    before = cut(lake, [placed(1, copy_count=3), placed(2)])
    after = cut(lake, [placed(1), placed(2)])
    assert before.manifest.id != after.manifest.id
    found = difference(before.folder, after.folder)
    assert (found.changes, found.unchanged) == ((), 2)


def test_the_command_counts_and_names_every_row(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = cut(lake, [placed(1), placed(2)])
    after = cut(lake, [placed(1, split="test")], left={"ep2": ("consent", "consent_expired")})
    monkeypatch.setenv("FORGE_LAKE", str(lake))
    names = [f"pool/{created.manifest.short_id}" for created in (before, after)]
    shown = CliRunner().invoke(app, ["snapshot", "diff", *names])
    assert [line.split() for line in shown.output.splitlines()[1:]] == [
        ["added", "0"],
        ["removed", "1"],
        ["1", "consent"],
        ["changed", "1"],
        ["1", "split"],
        ["unchanged", "0"],
    ]
    told = json.loads(CliRunner().invoke(app, ["snapshot", "diff", *names, "--json"]).output)
    assert told["counts"]["removed"] == {"consent": 1}
    assert [(row["key"]["example_key"], row["detail"]) for row in told["rows"]] == [("x2", "consent_expired"), ("x1", "split")]
