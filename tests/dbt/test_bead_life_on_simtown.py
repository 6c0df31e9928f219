"""Clocks, attempts, merge requests and lives of beads in synthetic towns, against what the generator knows of them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.dbt.conftest import TownsLake

pytestmark = pytest.mark.slow

# A request that waited a day is closed by the reaper without a word, or purged before anybody saw that.
STATES = {"reaped": {"unknown", "closed_unexplained"}}


def moment(text: str | None) -> datetime | None:
    """A time of the truth."""
    return datetime.fromisoformat(text) if text else None


def utc(value: datetime | None) -> datetime | None:
    return value.astimezone(UTC) if value else None


def attempts(lake: TownsLake) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each attempt of the truth with the model's row of the same bead and order; a row that is missing is empty."""
    columns = ["beads_project_id", "bead_id", "attempt_number", "assignee_address", "hooked_at", "ended_at", "end_kind",
               "exit_type", "branch", "merge_request_id", "rejection_count", "fix_needed_count"]  # fmt: skip
    rows = lake.rows(f"select {', '.join(columns)} from fct_attempts where start_kind = 'hooked'")
    found = {row[:3]: dict(zip(columns, row, strict=True)) for row in rows}
    pairs = []
    for known in lake.truth.rows("attempts"):
        number = int(known["attempt_id"].rpartition("#")[2]) + 1
        pairs.append((known, found.pop((known["beads_project_id"], known["bead_id"], number), {})))
    assert found == {}, "hooks that nobody made"
    return pairs


def test_every_offset_of_every_clock_is_found_and_no_other(towns_lake: TownsLake) -> None:
    known: dict[tuple[str, str], set[int]] = {}
    for row in towns_lake.truth.rows("clock_offsets"):
        known.setdefault((row["project_id"], row["month"]), set()).add(row["offset_hours"] * 3600)
    found = towns_lake.rows("select beads_project_id, recorded_on, offset_seconds, evidence from int_clock_offsets")
    told = [(project, f"{day:%Y-%m}", offset) for project, day, offset, _ in found if offset is not None]
    months = [(project, month) for project, month, _ in told if (project, month) in known]
    assert [row for row in told if row[:2] in known and row[2] not in known[row[:2]]] == []
    assert set(months) == set(known)


def test_every_change_on_a_bead_has_its_time(towns_lake: TownsLake) -> None:
    counted = dict(towns_lake.rows("select occurred_at is null, count(*) from fct_bead_events group by all"))
    assert counted.get(True, 0) <= 0.01 * counted[False]


def test_lives_of_beads_are_consistent(towns_lake: TownsLake) -> None:
    broken = towns_lake.rows(
        "select bead_id, created_at, first_change_at, closed_at, last_closed_at from dim_beads "
        "where first_change_at < created_at - interval 1 second or closed_at < first_change_at - interval 1 second "
        "or abs(epoch(closed_at) - epoch(last_closed_at)) > 1"
    )
    assert broken == []


def test_every_attempt_is_found_with_its_hands_and_times(towns_lake: TownsLake) -> None:
    for known, row in attempts(towns_lake):
        assert (row.get("assignee_address"), utc(row.get("hooked_at"))) == (known["assignee"], moment(known["hooked_at"])), known
        if known["outcome"] == "no_change":
            # The bead is closed before `gt done`, which the truth counts to the attempt.
            assert moment(known["hooked_at"]) < utc(row["ended_at"]) <= moment(known["ended_at"]), known  # type: ignore[operator]
        else:
            assert utc(row["ended_at"]) == moment(known["ended_at"]), known


def test_attempts_end_as_the_truth_says(towns_lake: TownsLake) -> None:
    ends = {"abandoned": "unhooked", "crashed": "unhooked", "deferred": "unhooked", "open": "open"}
    exits = {"abandoned": None, "crashed": None, "open": None, "deferred": "DEFERRED", "escalated": "ESCALATED"}
    for known, row in attempts(towns_lake):
        outcome = known["outcome"]
        assert (row["end_kind"], row["exit_type"]) == (ends.get(outcome, "closed"), exits.get(outcome, "COMPLETED")), known
        assert row["merge_request_id"] == known["merge_request_id"], known
        assert row["branch"] in (None, known["branch"]), known
        assert (row["branch"] is None) == (row["exit_type"] is None), known
        assert (row["rejection_count"], row["fix_needed_count"]) == (outcome == "rejected", outcome == "superseded"), known


def test_every_merge_request_is_found_and_judged(towns_lake: TownsLake) -> None:
    rows = towns_lake.rows("select beads_project_id, merge_request_id, bead_id, branch, state, created_at, closed_at "
                           "from fct_merge_requests")  # fmt: skip
    found = {row[:2]: row[2:] for row in rows}
    for known in towns_lake.truth.rows("merge_requests"):
        bead, branch, state, created, closed = found.pop((known["beads_project_id"], known["merge_request_id"]))
        assert (bead, branch, utc(created)) == (known["bead_id"], known["branch"], moment(known["created_at"])), known
        assert state in STATES.get(known["state"], {known["state"]}), known
        if known["state"] != "reaped":
            assert utc(closed) == moment(known["closed_at"]), known
    assert found == {}


def test_chains_of_merge_requests_lead_to_the_one_that_took_their_place(towns_lake: TownsLake) -> None:
    known = {row["merge_request_id"]: row["close_reason"].removeprefix("superseded by ")
             for row in towns_lake.truth.rows("merge_requests") if row["state"] == "superseded"}  # fmt: skip
    assert (
        dict(towns_lake.rows("select merge_request_id, superseded_by from fct_merge_requests where superseded_by is not null"))
        == known
    )


def test_beads_count_what_happened_to_them(towns_lake: TownsLake) -> None:
    columns = "beads_project_id, bead_id, kind, status, close_count, reopen_count, created_at"
    found = {row[:2]: row[2:] for row in towns_lake.rows(f"select {columns} from dim_beads")}
    for known in towns_lake.truth.rows("beads"):
        _, status, closes, reopened, created = found.pop((known["beads_project_id"], known["bead_id"]))
        assert (status, closes, reopened) == (known["status"], known["closes"], known["reopened"]), known
        assert utc(created) == moment(known["created_at"]), known
    assert found == {}


def test_a_database_that_two_towns_hold_has_each_bead_once(towns_lake: TownsLake) -> None:
    shared = towns_lake.rows("select beads_project_id from bridge_town_database group by all having count(distinct town_id) > 1")
    assert shared
    for model in ("dim_beads", "fct_attempts", "fct_merge_requests"):
        key = {"dim_beads": "bead_id", "fct_attempts": "attempt_key", "fct_merge_requests": "merge_request_id"}[model]
        assert towns_lake.rows(f"select beads_project_id, {key} from {model} group by all having count(*) > 1") == []
