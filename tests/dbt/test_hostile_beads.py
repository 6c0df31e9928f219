"""Rows whose fields hold what no schema promises: the models take what they can read and lose no row."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.growing_lake import append_load, raw_rows, released_rows
from tests.dbt.projects import dbt
from tests.dbt.test_bead_histories import beads_project

pytestmark = pytest.mark.slow

NOW = datetime(2026, 3, 6, tzinfo=UTC)
DEEP = '{"id":"deep","metadata":' + '{"a":' * 200 + "1" + "}" * 200 + "}"
ISSUES = {
    "nul": r'{"id":"nul","title":"a\u0000b","description":"branch: x\u0000y\nend","status":"open"}',
    "types": '{"id":"types","title":[1],"status":{"is":"open"},"priority":"high","ephemeral":"yes","labels":"zfc",'
    '"dependencies":{},"comments":[1,null,"text",[],{"id":7,"text":{"deep":1}}],"created_at":12,"updated_at":"tomorrow"}',
    "empty": "{}",
    "deep": DEEP,
    "lists": '{"id":"lists","labels":["a",null,1,{"b":2},"a"],"dependencies":[null,"x",{"depends_on_id":"gt-1","type":"blocks"},'
    '{"depends_on_id":"gt-1","type":"blocks"},{"type":"blocks"}],"priority":99999999999999999999,"status":"open"}',
    "twice": '{"id":"twice","status":"open"}',
    "twice#2": '{"id":"twice","status":"closed"}',
}
EVENTS = {
    "array": r'{"event_type":"updated","old_value":"[1]","new_value":"{\"status\":[\"open\"]}","created_at":"2026-02-30"}',
    "half": r'{"event_type":"closed","old_value":"{\"status\":","new_value":"{\"a\":","created_at":"2026-03-01T00:00:00Z"}',
    "lone": r'{"event_type":"closed","old_value":"","new_value":"{\"title\":\"\\ud83d\"}","created_at":"2026-03-01T00:00:02Z"}',
    "object": '{"event_type":"closed","old_value":{"status":"open"},"new_value":{"status":"closed"},"created_at":"2026-03-01"}',
    "bare": "{}",
}
PAYLOADS = {
    "string": '{"type":"nudge","payload":"text"}',
    "list": '{"type":"mass_death","payload":{"sessions":"gt-nux","count":"many"}}',
    "names": '{"type":"mass_death","payload":{"sessions":["gt-nux",null,3,"gt-nux"]}}',
    "none": '{"type":"session_start"}',
    "paths": '{"type":"session_start","payload":{"cwd":"//","role":"///","session_id":[]}}',
}


def bead_row(table: str, key: str, record: str) -> dict[str, Any]:
    """A row of `raw.beads_rows`."""
    return {
        "town_id": "t", "beads_project_id": "p", "database": "d", "source": "jsonl", "table_name": table, "row_key": key,
        "bead_id": key.split("#", maxsplit=1)[0] if table == "issues" else "nul", "change": "upsert", "observed_at": NOW,
        "record": record, "record_hash": key,
    }  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built lake that holds all of them."""
    folder = tmp_path_factory.mktemp("hostile_beads")
    beads = [bead_row("issues", key, record) for key, record in ISSUES.items()]
    beads += [bead_row("events", key, record) for key, record in EVENTS.items()]
    events = [
        {
            "town_id": "t",
            "event_hash": name,
            "occurrence": 0,
            "event_type": record.split('"')[3],
            "recorded_at": NOW,
            "record": record,
        }
        for name, record in PAYLOADS.items()
    ]
    files = [
        {"town_id": "t", "kind": kind, "root_path": f"{kind}.json", "observed_at": NOW, "record": record, "record_hash": record}
        for kind in ("declared", "town", "rigs", "routes", "beads_metadata")
        for record in ('{"rigs":[],"routes":{},"name":7}', '{"rigs":{"a":1,"b c":{"beads":"x"}},"routes":[1,{"prefix":"x-"}]}')
    ]
    rows = {"beads_rows": beads, "town_events": events, "town_files": files}
    append_load(folder / "lake", 1, {name: raw_rows(name, values) for name, values in rows.items()})
    built = dbt(beads_project(folder / "project"), folder / "lake")
    assert built.exit_code == 0, built.output
    return folder / "lake"


def test_no_bead_is_lost(lake: Path) -> None:
    assert {key for (key,) in released_rows(lake, "stg_beads__issues", "row_key")} == set(ISSUES)
    assert {key for (key,) in released_rows(lake, "int_beads", "bead_id")} == {key.split("#", maxsplit=1)[0] for key in ISSUES}


def test_no_event_is_lost(lake: Path) -> None:
    assert {key for (key,) in released_rows(lake, "stg_beads__events", "event_id")} == set(EVENTS)
    assert {key for (key,) in released_rows(lake, "stg_town__events", "event_hash")} == set(PAYLOADS)


def test_what_can_be_read_is_read(lake: Path) -> None:
    assert released_rows(lake, "stg_beads__dependencies", "bead_id, depends_on_id, dependency_type") == [
        ("lists", "gt-1", "blocks")
    ]
    assert dict(released_rows(lake, "int_tmux_names_seen", "tmux_name, sighting_count")) == {"gt-nux": 1, "3": 1}
    shapes = dict(released_rows(lake, "stg_beads__events", "event_id, closed_shape"))
    assert shapes == {"array": None, "half": "close", "lone": "close", "object": "update", "bare": None}
