"""`forge status` tells a quiet town from a scheduler that died."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.commits import add_file, commit
from lake.exit_codes import ExitCode
from lake.location import ops_path, raw_path
from lake.runs import Look, looks, note_looks
from lake.status import find_status, print_status, status_lines
from lake.tables import RAW_TABLES, open_raw
from lake.tell import ago

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def add_rows(lake: Path, table: str, rows: list[dict[str, object]]) -> None:
    """Append rows to a raw table; columns that are not given are null."""
    schema = RAW_TABLES[table].file_schema
    delta = open_raw(lake, table)
    name = f"{uuid4().hex}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), raw_path(lake, table) / name)
    commit(delta, [add_file(raw_path(lake, table), name, (), {"load_seq": "1"})])


def note(lake: Path, town: str, town_id: str, at: datetime) -> None:
    note_looks(lake, {town: town_id})
    (ops_path(lake, "runs") / f"{town}.json").write_text(json.dumps({"town": town, "town_id": town_id, "at": at.isoformat()}))


def note_build(lake: Path, number: int, at: datetime, outcome: str) -> None:
    folder = ops_path(lake, "builds")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number:06d}.json").write_text(json.dumps({"outcome": outcome, "finished_at": at.isoformat()}))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Two towns looked at an hour ago: `busy` has a record of that hour, `quiet` one of ten days ago and a bad line."""
    add_rows(tmp_path, "claude_records", [{"town_id": "b", "recorded_at": NOW - timedelta(hours=1)}, {"town_id": "b"}])
    add_rows(tmp_path, "town_events", [{"town_id": "q", "recorded_at": NOW - timedelta(days=10)}])
    add_rows(tmp_path, "quarantine", [{"town_id": "q"}, {"town_id": None}])
    for town, town_id in (("busy", "b"), ("quiet", "q")):
        note(tmp_path, town, town_id, NOW - timedelta(hours=1))
    note_build(tmp_path, 1, NOW - timedelta(hours=1), "unchanged")
    return tmp_path


def test_a_quiet_town_is_behind_but_not_stale(lake: Path) -> None:
    status = find_status(lake, ["busy", "quiet"], NOW, 26)
    busy, quiet, nobody = status.towns
    assert (busy.behind_seconds, busy.rows, busy.quarantined) == (0, 2, 0)
    assert (quiet.behind_seconds, quiet.rows, quiet.quarantined) == (timedelta(days=9, hours=23).total_seconds(), 1, 1)
    assert (nobody.town, nobody.town_id, nobody.quarantined) == (None, None, 1)
    assert not status.is_stale


def test_a_town_that_was_not_looked_at_is_stale(lake: Path) -> None:
    note(lake, "busy", "b", NOW - timedelta(hours=27))
    status = find_status(lake, ["busy", "quiet"], NOW, 26)
    assert [town.is_stale for town in status.towns] == [True, False, False]
    assert status.is_stale
    assert not find_status(lake, ["busy", "quiet"], NOW, 28).is_stale


def test_a_declared_town_that_was_never_looked_at_is_stale(lake: Path) -> None:
    (town,) = [town for town in find_status(lake, ["new"], NOW, 26).towns if town.town == "new"]
    assert (town.is_stale, town.looked_at, town.newest_at) == (True, None, None)


def test_a_town_that_is_no_longer_declared_is_shown_and_never_stale(lake: Path) -> None:
    status = find_status(lake, [], NOW, 0.1)
    assert [(town.town, town.is_stale) for town in status.towns] == [("busy", False), ("quiet", False), (None, False)]


def test_failed_builds_make_the_lake_stale(lake: Path) -> None:
    note_build(lake, 1, NOW - timedelta(hours=30), "published")
    note_build(lake, 2, NOW - timedelta(hours=1), "failed")
    status = find_status(lake, ["busy"], NOW, 26)
    assert (status.is_build_stale, status.built_at) == (True, NOW - timedelta(hours=30))


def test_the_lines_say_what_is_stale_and_what_to_do(lake: Path) -> None:
    note(lake, "busy", "b", NOW - timedelta(hours=27))
    text = "\n".join(status_lines(find_status(lake, ["busy", "quiet"], NOW, 26), NOW, 26))
    assert "27 h ago STALE" in text
    assert "`forge nightly`" in text
    assert "none yet: run `forge build`" in text


def test_an_empty_lake_has_a_status(tmp_path: Path) -> None:
    status = find_status(tmp_path, [], NOW, 26)
    assert (status.towns, status.release_id, status.is_stale) == ((), None, True)


def test_the_exit_code_says_stale_and_json_says_all(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    towns = lake / "towns.yaml"
    towns.write_text("towns: [{name: busy, root: gt}]")
    assert print_status(lake, towns, max_age_hours=1e9, as_json=True) is ExitCode.OK
    shown = json.loads(capsys.readouterr().out)
    assert (shown["is_stale"], shown["towns"][0]["newest_at"]) == (False, "2026-03-02T11:00:00+00:00")
    assert print_status(lake, towns, max_age_hours=0, as_json=False) is ExitCode.STALE


def test_looks_are_remembered_per_town(tmp_path: Path) -> None:
    assert looks(tmp_path) == {}
    note_looks(tmp_path, {"a": "1", "b.c": "2"})
    note_looks(tmp_path, {"a": "1"})
    found = looks(tmp_path)
    assert {name: look.town_id for name, look in found.items()} == {"a": "1", "b.c": "2"}
    assert isinstance(found["a"], Look)
    assert found["a"].at.tzinfo is not None


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h"), (200_000, "2 d")]
)
def test_lengths_of_time_are_short(seconds: float, text: str) -> None:
    assert ago(seconds) == text
