"""The models say about real beads exports and event logs what an independent count says about the same files."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.run import run_ingest
from lake.duck import load_delta
from lake.location import model_path, raw_path
from tests.dbt.projects import REAL, dbt

pytestmark = pytest.mark.slow

BEADS = ("gastown", "spotter")
EVENTS = ("gastown-poc", "req-of-funds")
MODELS = ("stg_beads__issues", "stg_beads__events", "stg_beads__comments", "stg_beads__dependencies", "stg_beads__labels",
          "int_beads", "fct_bead_events", "stg_town__events", "int_clock_offsets", "int_agent_reports", "fct_attempts",
          "fct_merge_requests")  # fmt: skip
Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def ask(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Load the real sets as a user would, build the models, and give a function that asks them."""
    folder = tmp_path_factory.mktemp("real_beads")
    entries = []
    for name in sorted({*BEADS, *EVENTS}):
        root = folder / name
        root.mkdir()
        entries.append(f"  - name: {name}\n    id: {name}\n    root: {root}\n")
        if name in BEADS:
            beads = real_data / name / "beads"
            entries.append(f"    beads:\n      - path: {beads}\n        database: {name}\n        beads_project: p-{name}\n")
        if name in EVENTS:
            shutil.copy(real_data / name / "events.jsonl", root / ".events.jsonl")
    towns = folder / "towns.yaml"
    towns.write_text("towns:\n" + "".join(entries), encoding="utf-8")
    lake = folder / "lake"
    run_ingest(towns, lake)
    # Tests that also need models of transcripts are left out.
    chosen = ["--select", "staging.beads staging.town +fct_attempts", "--indirect-selection", "cautious"]
    built = dbt(REAL, lake, "build", *chosen, DBT_TARGET_PATH=str(folder / "target"))
    assert built.exit_code == 0, built.output

    def query(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect() as connection:
            load_delta(connection)
            connection.execute("set TimeZone = 'UTC'")
            for model in MODELS:
                connection.execute(f"create view {model} as select * from delta_scan('{model_path(lake, model)}')")
            connection.execute(f"create view quarantine as select * from delta_scan('{raw_path(lake, 'quarantine')}')")
            return connection.execute(sql).fetchall()

    return query


def facts(real_data: Path, part: str) -> dict[str, Any]:
    """What expected.json says about a part of the real data."""
    found: dict[str, Any] = json.loads((real_data / "expected.json").read_text(encoding="utf-8"))[part]
    return found


def counted(ask: Ask, expression: str, relation: str) -> dict[str, int]:
    """How often each value of `expression` occurs in `relation`."""
    return {str(value): int(number) for value, number in ask(f"select {expression}, count(*) from {relation} group by 1")}


def only(ask: Ask, sql: str) -> Any:
    """The single value a query gives."""
    return ask(sql)[0][0]


def issues(ask: Ask, name: str) -> dict[str, Any]:
    """The facts about a set's issues, asked of the models."""
    now = f"(from stg_beads__issues where beads_project_id = 'p-{name}' and is_current)"
    beads = f"(from int_beads where beads_project_id = 'p-{name}')"
    embedded = f"where beads_project_id = 'p-{name}' and is_embedded and is_current)"
    return {
        "kind": "issues",
        "lines_failing_json": only(ask, "select count(*) from quarantine"),
        "records": only(ask, f"select count(*) from {now}"),
        "distinct_ids": only(ask, f"select count(*) from {beads}"),
        "by_issue_type": counted(ask, "issue_type", beads),
        "by_status": counted(ask, "status", beads),
        "id_prefixes": counted(ask, "id_prefix", beads),
        "closed_with_reason": only(ask, f"select count(*) from {beads} where is_closed and close_reason is not null"),
        "desc_merge_request": only(ask, f"select count(*) from {beads} where kind = 'merge_request'"),
        "with_assignee": only(ask, f"select count(*) from {beads} where assignee is not null"),
        "with_closed_by_session": only(ask, f"select count(*) from {beads} where closed_by_session is not null"),
        "embedded_deps": counted(ask, "dependency_type", f"(from stg_beads__dependencies {embedded}"),
        "labels": counted(ask, "label", f"(from stg_beads__labels {embedded}"),
        "min_created": only(ask, f"select min(created_at_text) from {now}"),
        "max_updated": only(ask, f"select max(updated_at_text) from {now}"),
    }


@pytest.mark.parametrize("name", BEADS)
def test_issues(ask: Ask, real_data: Path, name: str) -> None:
    assert issues(ask, name) == facts(real_data, "beads")[name]["issues.jsonl"]


def test_no_other_beads_set_is_described(real_data: Path) -> None:
    described = facts(real_data, "beads")
    assert sorted(described) == sorted(BEADS)
    assert sorted(described["gastown"]) == [
        "comments.jsonl", "dependencies.jsonl", "events.jsonl", "issues.jsonl", "labels.jsonl"
    ]  # fmt: skip
    assert list(described["spotter"]) == ["issues.jsonl"]


def test_events_of_beads(ask: Ask, real_data: Path) -> None:
    rows = "(from stg_beads__events where beads_project_id = 'p-gastown')"
    written = "strftime(created_at_as_recorded, '%Y-%m-%dT%H:%M:%SZ')"
    assert {
        "kind": "events",
        "lines_failing_json": only(ask, "select count(*) from quarantine"),
        "records": only(ask, f"select count(*) from {rows}"),
        "by_event_type": counted(ask, "event_type", rows),
        "distinct_issue_ids": only(ask, f"select count(distinct bead_id) from {rows}"),
        "min": only(ask, f"select min({written}) from {rows}"),
        "max": only(ask, f"select max({written}) from {rows}"),
    } == facts(real_data, "beads")["gastown"]["events.jsonl"]


def test_comments(ask: Ask, real_data: Path) -> None:
    assert {
        "kind": "comments",
        "lines_failing_json": only(ask, "select count(*) from quarantine"),
        "records": only(ask, "select count(*) from stg_beads__comments where beads_project_id = 'p-gastown'"),
    } == facts(real_data, "beads")["gastown"]["comments.jsonl"]


def test_dependencies(ask: Ask, real_data: Path) -> None:
    rows = "(from stg_beads__dependencies where beads_project_id = 'p-gastown' and is_current)"
    assert {
        "kind": "dependencies",
        "lines_failing_json": only(ask, "select count(*) from quarantine"),
        "records": only(ask, f"select count(*) from {rows}"),
        "by_type": counted(ask, "dependency_type", rows),
    } == facts(real_data, "beads")["gastown"]["dependencies.jsonl"]


def test_labels(ask: Ask, real_data: Path) -> None:
    expected = facts(real_data, "beads")["gastown"]["labels.jsonl"]
    rows = "(from stg_beads__labels where beads_project_id = 'p-gastown' and is_current)"
    labels = counted(ask, "label", rows)
    assert {
        "kind": "labels",
        "lines_failing_json": only(ask, "select count(*) from quarantine"),
        "records": sum(labels.values()),
        "top": {label: number for label, number in labels.items() if label in expected["top"]},
    } == expected
    rest = [number for label, number in labels.items() if label not in expected["top"]]
    assert max(rest) <= min(expected["top"].values())


@pytest.mark.parametrize("name", EVENTS)
def test_town_events(ask: Ask, real_data: Path, name: str) -> None:
    rows = f"(from stg_town__events where town_id = '{name}')"
    starts = f"(from {rows} where event_type = 'session_start')"
    uuid = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
    written = "strftime(recorded_at, '%Y-%m-%dT%H:%M:%SZ')"
    assert {
        "lines_failing_json": only(ask, "select count(*) from quarantine"),
        "records": only(ask, f"select count(*) from {rows}"),
        "by_type": counted(ask, "event_type", rows),
        "actors": only(ask, f"select count(distinct actor) from {rows}"),
        "sources": counted(ask, "event_source", rows),
        "session_start": only(ask, f"select count(*) from {starts}"),
        "session_start_uuid": only(ask, f"select count(*) from {starts} where regexp_matches(session_id, '{uuid}')"),
        "with_bead": only(ask, f"select count(*) from {rows} where bead_id is not null"),
        "min": only(ask, f"select min({written}) from {rows}"),
        "max": only(ask, f"select max({written}) from {rows}"),
    } == facts(real_data, "events")[name]


def test_no_other_event_log_is_described(real_data: Path) -> None:
    assert sorted(facts(real_data, "events")) == sorted(EVENTS)


def test_replayed_lives_end_as_the_beads_say(ask: Ask) -> None:
    different = ask(
        "select beads.bead_id, beads.status, last.to_status from int_beads as beads inner join ("
        "  select beads_project_id, bead_id, max_by(to_status, change_number) as to_status from fct_bead_events"
        "  where to_status is not null group by 1, 2"
        ") as last using (beads_project_id, bead_id) where beads.status <> last.to_status"
    )
    assert different == []


def test_both_shapes_of_closing_and_every_reopening_are_replayed(ask: Ask) -> None:
    agents = "from stg_beads__events inner join int_beads using (beads_project_id, bead_id) where kind = 'agent'"
    assert only(ask, f"select count(*) {agents} and new_status = 'closed'") == 4
    assert counted(ask, "closed_shape", "(from fct_bead_events where is_close)") == {"close": 786 - 4, "update": 2}
    assert only(ask, "select count(*) from fct_bead_events where is_reopen") == 16


def test_the_clock_of_a_real_town_was_eight_hours_behind(ask: Ask) -> None:
    days = ask("select recorded_on, offset_seconds, evidence, pair_count >= 0.6 * change_count from int_clock_offsets")
    assert len(days) == 8
    assert {row[1:] for row in days} == {(-8 * 3600, "own_day", True)}
    assert only(ask, "select max(spread_seconds) from int_clock_offsets") <= 2


def test_lives_of_real_beads_are_consistent_but_for_explained_exceptions(ask: Ask) -> None:
    broken = ask(
        "with life as ("
        "  select beads_project_id, bead_id, min(occurred_at) as first_at, max(occurred_at) filter (is_close) as closed_last_at,"
        "  count(*) filter (occurred_at is null) as unknown from fct_bead_events group by all"
        ")"
        "select bead_id, case when unknown > 0 then 'unknown time' when first_at < created_at - interval 1 second then 'too early'"
        "  when closed_at < first_at - interval 1 second then 'closed before it was changed'"
        "  when is_closed and closed_last_at is null then 'closed without an event'"
        "  when is_closed and abs(epoch(closed_last_at) - epoch(closed_at)) > 1 then 'closed at another time' end as what "
        "from int_beads left join life using (beads_project_id, bead_id) where beads_project_id = 'p-gastown' and what is not null"
    )
    assert sorted(broken) == [
        # Written into the database without bd: they have no event at all.
        ("gt-eph-04p3", "closed without an event"),
        ("gt-eph-8gb", "closed without an event"),
        # Its refinery closed it once more ten minutes later, but its row kept the first time.
        ("gt-l7uq", "closed at another time"),
    ]


def test_agents_left_real_work_when_its_attempt_says(ask: Ask) -> None:
    """Agents' own beads tell the time of each exit in UTC: another witness that the events' times are repaired rightly."""
    exits = ask("select distinct agent_address, bead_id, completed_at from int_agent_reports where exit_type is not null")
    matched = ask("select assignee_address, bead_id, exited_at from fct_attempts where exited_at is not null")
    assert len(exits) == 8
    assert sorted(matched) == sorted(exits)


def test_closed_real_requests_are_not_merged_ones(ask: Ask) -> None:
    states = ask("select state, evidence, count(*) from fct_merge_requests group by all order by 1")
    assert states == [("closed_unexplained", "row", 11), ("unknown", "agent_bead", 6)]
