"""Scores are made anew only where evidence is new, medians of closed months stay, and a full build finds the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.growing_lake import Rows, append_load, differing_models, released_rows
from tests.dbt.projects import Built, dbt
from tests.dbt.score_world import load_of, score_project

pytestmark = pytest.mark.slow

AS_OF = [datetime(2026, 2, day, tzinfo=UTC) for day in (10, 11, 13, 14)]
"""Newest recorded time of each load."""


def worked(
    name: str, start: datetime, seconds: int, *, is_merged: bool = True, settled: datetime | None = None
) -> Iterator[tuple[str, Any]]:
    """Rows of a polecat's session `name` that is one episode: two messages, `seconds` apart."""
    session = {"session_key": f"town00{name}", "session_started_on": start.date(), "session_started_at": start}
    for number, moment in enumerate((start, start + timedelta(seconds=seconds)), start=1):
        record = {"record_key": f"{name}{number}-{seconds}"}
        for model in ("stg_claude__entries", "stg_claude__records"):
            yield model, record | {"session_key": session["session_key"]}
        message = {"message_number": number if number == 1 else 1 + seconds, "agent_key": "main", "recorded_at": moment}
        yield "int_messages", session | message | record
    yield "fct_turn_signals", session | {
        "turn_key": name, "first_message_number": 1, "tool_call_count": 4, "tool_failure_count": 1, "new_failure_count": 1,
        "loop_call_count": 0, "self_correction_count": 1, "edit_count": 0, "reverted_edit_count": 0, "is_human_answered": False,
        "is_human_correction": False, "is_interrupted": False, "is_subagent": False, "is_on_live_path": True, "is_fork_copy": False,
    }  # fmt: skip
    yield "fct_episodes", session | {
        "episode_key": name, "town_id": "t", "role_family": "polecat", "agent_address": f"r/polecats/{name}",
        "first_message_number": 1, "last_message_number": 1 + seconds, "human_message_count": 0, "started_at": start,
        "ended_at": start + timedelta(seconds=seconds),
    }  # fmt: skip
    yield from judged(name, session, is_merged=is_merged, settled=settled or start + timedelta(days=1))
    yield "fct_episode_links", {"episode_key": name, "session_key": session["session_key"], "primary_bead_id": f"gt-{name}",
                                "primary_beads_project_id": "p", "confidence": 0.95}  # fmt: skip


def judged(name: str, session: dict[str, Any], *, is_merged: bool, settled: datetime) -> Iterator[tuple[str, Any]]:
    """The row of `fct_outcomes` of the episode."""
    yield "fct_outcomes", session | {
        "episode_key": name, "outcome": "merged" if is_merged else "rejected",
        "outcome_class": "accepted" if is_merged else "rejected", "bead_id": f"gt-{name}",
        "is_admitting": is_merged, "evidence_tier": "bead", "attempt_key": f"{name}#1", "merge_request_id": f"m-{name}",
        "attempt_count": 1, "reopen_count": 0, "conflict_count": 0, "fix_needed_count": 0, "has_autosaved_leftovers": False,
        "settled_at": settled,
    }  # fmt: skip


def january(day: int) -> datetime:
    return datetime(2026, 1, day, 12, tzinfo=UTC)


def february(day: int) -> datetime:
    return datetime(2026, 2, day, 12, tzinfo=UTC)


def loads() -> list[Rows]:
    """January with five episodes and February's first; what came late and what is new; a day without work; another outcome."""
    first = [row for day in range(5, 10) for row in worked(f"jan{day}", january(day), 100 + day)]
    first += worked("feb", february(5), 150, settled=february(5))
    second = [*worked("late", january(20), 250), *worked("jan9", january(9), 290), *worked("next", february(10), 260)]
    nothing = [("int_people_verdicts", {"episode_key": "of another world", "is_good": True, "weight": 1})]
    start = january(5)
    session = {"session_key": "town00jan5", "session_started_on": start.date(), "session_started_at": start}
    reopened = list(judged("jan5", session, is_merged=False, settled=february(13)))
    return [load_of(as_of, rows) for as_of, rows in zip(AS_OF, (first, second, nothing, reopened), strict=True)]


@dataclass(frozen=True)
class History:
    """A lake that was built after each load: what each build said, and what it held then."""

    project: Path
    lake: Path
    builds: list[Built]
    medians: list[list[tuple[Any, ...]]]
    components: list[list[tuple[Any, ...]]]
    scores: list[dict[str, tuple[Any, ...]]]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """The lake after all loads, each of which was built."""
    folder = tmp_path_factory.mktemp("scores")
    found = History(score_project(folder / "project"), folder / "lake", [], [], [], [])
    columns = "episode_key, is_gate_passed, gate_reason, raw_score, rank_score, mature_at, is_mature"
    for number, rows in enumerate(loads(), start=1):
        append_load(found.lake, number, rows)
        found.builds.append(dbt(found.project, found.lake))
        assert found.builds[-1].exit_code == 0, found.builds[-1].output
        found.medians.append(released_rows(found.lake, "fct_role_medians"))
        found.components.append(released_rows(found.lake, "fct_score_components"))
        found.scores.append({str(row[0]): row[1:] for row in released_rows(found.lake, "fct_episode_scores", columns)})
    return found


def test_every_build_after_the_first_goes_on(history: History) -> None:
    assert [build.log["mode"] for build in history.builds] == ["full", "incremental", "incremental", "incremental"]


def test_a_closed_month_keeps_its_median_whatever_comes_late(history: History) -> None:
    closed = [row for row in history.medians[0] if row[3] is not None]
    assert [(row[1], row[3], row[4]) for row in closed] == [("polecat", 107.0, 5)]
    assert history.medians == [closed] * 4


def test_late_work_is_scored_all_the_same(history: History) -> None:
    assert "late" not in history.scores[0]
    assert history.scores[1]["late"][0] is True


def test_the_month_is_measured_by_the_median_of_the_month_before(history: History) -> None:
    rows = released_rows(history.lake, "fct_score_components", "component, episode_key, value, evidence_id, null_reason")
    duration = {key: rest for component, key, *rest in rows if component == "duration"}
    assert duration["feb"] == [1.0, "2026-01-01", None]
    assert duration["next"] == [pytest.approx(2 * 107 / 260, abs=1e-6), "2026-01-01", None]
    assert duration["late"] == [None, "2025-12-01", "no_median_of_the_month_before"]


def test_an_episode_that_becomes_mature_is_touched_and_nothing_else(history: History) -> None:
    before, after = history.scores[1], history.scores[2]
    assert {key for key in after if after[key] != before[key]} == {"feb"}
    assert (before["feb"][-1], after["feb"][-1]) == (False, True)
    assert before["feb"][:-1] == after["feb"][:-1]
    assert not history.builds[2].model("fct_score_components")["is_changed"]


def test_another_outcome_changes_the_score_of_its_own_episode_only(history: History) -> None:
    before, after = history.scores[2], history.scores[3]
    changed = {key for key in after if after[key][:4] != before[key][:4]}
    assert changed == {"jan5"}
    assert after["jan5"][:2] == (False, "outcome_not_accepted")
    assert {row[0] for row in set(history.components[3]) ^ set(history.components[2])} == {"jan5"}


def test_a_full_build_of_the_same_loads_gives_the_same(history: History, tmp_path: Path) -> None:
    for number, rows in enumerate(loads(), start=1):
        append_load(tmp_path / "lake", number, rows)
    built = dbt(history.project, tmp_path / "lake", "--full-refresh")
    assert built.exit_code == 0, built.output
    assert differing_models(history.lake, tmp_path / "lake") == {}
