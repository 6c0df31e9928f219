"""Telemetry is loaded once, whole, and without what was said, however the store behaves."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest import telemetry_records, telemetry_server
from ingest.run import IngestReport, run_ingest
from lake.tables import RAW_TABLES, open_raw
from tests.ingest.lake_rows import rows
from tests.ingest.logsql_server import LogsqlServer, running_logsql
from tests.ingest.towns_on_disk import TownOnDisk, make_town

NOON = datetime(2026, 4, 27, 12, tzinfo=UTC)
UUID = "5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f"


@dataclass
class TelemetryTown:
    """A town whose telemetry lies in a store; every load happens at a moment of the test's own."""

    town: TownOnDisk
    store: LogsqlServer
    lake: Path
    patch: pytest.MonkeyPatch

    def declare(self, *lines: str) -> None:
        path = self.town.towns_file
        before = path.read_text().split("    telemetry:\n")[0]
        path.write_text(before + f"    telemetry:\n      url: {self.store.url}\n" + "".join(f"      {line}\n" for line in lines))

    def load(self, now: datetime = NOON, exit_code: int = 0) -> IngestReport:
        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> "Clock":
                return cls.fromtimestamp(now.timestamp(), tz)

        self.patch.setattr(telemetry_records, "datetime", Clock)
        report = run_ingest(self.town.towns_file, self.lake, only=["telemetry"], progress=False)
        assert report.exit_code == exit_code, report.lines()
        return report

    def add(self, moment: datetime, event: str = "done", **fields: str) -> None:
        self.store.add(_time=f"{moment:%Y-%m-%dT%H:%M:%S.%f}123Z", _msg=event, _stream="{}", **fields)

    def statuses(self, report: IngestReport) -> list[str]:
        return [stream.status for stream in report.streams]

    def found(self) -> list[dict[str, Any]]:
        return rows(self.lake, "telemetry_records")

    def numbers(self) -> list[int]:
        """The numbers that the test's records carry, in order; a number twice is a record twice."""
        return sorted(int(json.loads(row["record"])["n"]) for row in self.found())


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TelemetryTown]:
    monkeypatch.setattr(telemetry_server, "RETRY_SECONDS", (0.0, 0.0))
    with running_logsql() as store:
        made = TelemetryTown(make_town(tmp_path / "towns"), store, tmp_path / "lake", monkeypatch)
        made.declare()
        yield made


def test_a_town_without_the_key_is_not_asked(town: TelemetryTown) -> None:
    town.town.towns_file.write_text(town.town.towns_file.read_text().split("    telemetry:\n")[0])
    assert town.statuses(town.load()) == []


def test_records_are_loaded_with_their_name_and_time(town: TelemetryTown) -> None:
    town.add(NOON - timedelta(hours=1), exit_type="COMPLETED", status="ok", **{"gt.session": "gt-nux", "gt.issue": "gt-abc12"})
    town.add(NOON - timedelta(minutes=5), "claude_code.api_request", **{"session.id": UUID, "model": "claude-opus-4-6"})
    town.load()
    first, second = sorted(town.found(), key=lambda row: row["recorded_at"])
    assert (first["town_id"], first["event_name"], first["recorded_at"]) == ("alpha", "done", NOON - timedelta(hours=1))
    record = json.loads(first["record"])
    assert (record["exit_type"], record["gt.session"], record["gt.issue"]) == ("COMPLETED", "gt-nux", "gt-abc12")
    assert record["_time"] == "2026-04-27T11:00:00.000000123Z"
    assert json.loads(second["record"])["session.id"] == UUID


def test_every_question_has_a_beginning_and_an_end(town: TelemetryTown) -> None:
    town.add(NOON - timedelta(days=20), n="1")
    town.load()
    spans = [(datetime.fromisoformat(asked["start"]), datetime.fromisoformat(asked["end"])) for asked in town.store.asked]
    assert spans[0][0] == NOON - timedelta(days=30)
    assert NOON <= spans[-1][1] <= NOON + timedelta(seconds=1)
    assert all(before[1] >= after[0] for before, after in itertools.pairwise(spans)), "a gap between two spans"


def test_only_events_that_are_asked_for_are_loaded(town: TelemetryTown) -> None:
    names = ["done", "session.start", "session.stop", "sling", "mail", "bd.call", "pane.read", "claude_code.tool_result", "doner"]
    for number, name in enumerate(names):
        town.add(NOON - timedelta(minutes=number + 1), name)
    town.load()
    assert sorted(row["event_name"] for row in town.found()) == [
        "claude_code.tool_result",
        "done",
        "session.start",
        "session.stop",
        "sling",
    ]


def test_what_was_said_is_neither_asked_for_nor_kept(town: TelemetryTown) -> None:
    said = {"prompt": "say it", "tool_input": "say it", "tool_parameters": "say it", "error": "say it", "brand_new": "say it"}
    town.add(NOON - timedelta(minutes=1), "claude_code.tool_result", tool_name="Bash", success="false", **said)
    town.add(
        NOON - timedelta(minutes=2), "done", error="uncommitted changes", **{"gt.prompt": "say it", "user.email": "a@b.example"}
    )
    town.load()
    town.store.ignores_delete = True
    town.add(NOON - timedelta(minutes=3), "agent.usage", content="say it", session="gt-nux")
    town.load()
    assert "say it" not in json.dumps(town.found(), default=str)
    tool, done, usage = sorted(town.found(), key=lambda row: row["recorded_at"], reverse=True)
    assert tool["left_out"] == "_stream,brand_new,error"
    assert json.loads(tool["record"])["success"] == "false"
    assert json.loads(done["record"])["error"] == "uncommitted changes"
    assert done["left_out"] == "_stream,user.email"
    assert usage["left_out"] == "_stream,content"


def test_secrets_are_replaced_and_joins_survive(town: TelemetryTown) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    town.add(NOON - timedelta(minutes=1), error=f"push with {secret} failed", **{"run.id": UUID, "gt.issue": "gt-abc12"})
    town.load()
    (row,) = town.found()
    assert secret not in row["record"]
    assert (json.loads(row["record"])["run.id"], json.loads(row["record"])["gt.issue"]) == (UUID, "gt-abc12")
    (replaced,) = rows(town.lake, "redactions")
    assert replaced["record_key"] == f"{row['file_id']}:{row['generation']}:{row['byte_offset']}"


def test_an_idle_look_commits_nothing_and_equal_records_are_counted(town: TelemetryTown) -> None:
    for _ in range(3):
        town.add(NOON - timedelta(minutes=1), n="1")
    town.load()
    before = {name: open_raw(town.lake, name).version() for name in RAW_TABLES}
    assert town.statuses(town.load(NOON + timedelta(minutes=1))) == ["unchanged"]
    assert {name: open_raw(town.lake, name).version() for name in RAW_TABLES} == before
    town.add(NOON - timedelta(minutes=1), n="1")
    town.load(NOON + timedelta(minutes=2))
    assert town.numbers() == [1] * 4
    assert [row["occurrence"] for row in town.found()] == [0, 1, 2, 3]


def test_late_records_within_the_overlap_are_found_and_earlier_ones_are_not_asked_for_again(town: TelemetryTown) -> None:
    town.declare("overlap: 90m")
    town.add(NOON - timedelta(minutes=1), n="1")
    town.load()
    asked = len(town.store.asked)
    town.add(NOON - timedelta(minutes=80), n="2")
    town.add(NOON - timedelta(minutes=100), n="3")
    town.load(NOON + timedelta(minutes=5))
    assert town.numbers() == [1, 2]
    assert datetime.fromisoformat(town.store.asked[asked]["start"]) == NOON - timedelta(minutes=90)


def test_whoever_asks_for_other_events_begins_anew(town: TelemetryTown) -> None:
    town.add(NOON - timedelta(days=10), "nudge", n="1")
    town.add(NOON - timedelta(days=9), n="2")
    town.load()
    town.declare("events: [done, nudge]")
    town.load()
    assert town.numbers() == [1, 2]


def test_spans_shrink_until_no_answer_is_cut(town: TelemetryTown) -> None:
    town.patch.setattr(telemetry_records, "LIMIT", 10)
    for number in range(95):
        town.add(NOON - timedelta(minutes=5, microseconds=number * 3_000), n=str(number))
    # More in one moment than an answer holds.
    for number in range(95, 120):
        town.add(NOON - timedelta(minutes=3), n=str(number))
    town.load()
    assert town.numbers() == list(range(120))


@pytest.mark.parametrize("fault", ["busy", "cut", "short"])
def test_a_store_that_fails_once_is_asked_again(town: TelemetryTown, fault: str) -> None:
    town.add(NOON - timedelta(minutes=1), n="1")
    town.store.faults = [fault]
    town.load()
    assert town.numbers() == [1]
    assert town.store.asked[0] == town.store.asked[1]


def test_a_store_that_dies_in_the_middle_loses_nothing_and_what_came_is_loaded(town: TelemetryTown) -> None:
    for day in range(29):
        town.add(NOON - timedelta(days=day, minutes=1), n=str(day))
    town.store.dies_after = 4
    report = town.load(exit_code=3)
    assert "the next load goes on there" in "\n".join(report.lines())
    some = town.numbers()
    assert 0 < len(some) < 29
    town.store.dies_after = None
    town.load(NOON + timedelta(minutes=1))
    assert town.numbers() == list(range(29))


def test_a_store_that_is_away_is_told_and_nothing_is_committed(town: TelemetryTown) -> None:
    town.store.dies_after = 0
    report = town.load(exit_code=3)
    assert town.statuses(report) == ["unreachable"]
    assert f"telemetry store 127.0.0.1:{town.store.port} (towns.yaml line " in "\n".join(report.lines())
    assert town.found() == []


def test_a_line_that_is_no_record_is_set_aside_once(town: TelemetryTown) -> None:
    town.store.lines += [b"{broken", b"[1]", b'{"_msg": "done"}']
    town.add(NOON - timedelta(minutes=1), n="1")
    town.load()
    assert town.numbers() == [1]
    aside = rows(town.lake, "quarantine")
    assert sorted(row["reason"] for row in aside) == ["invalid_json", "missing_key", "not_an_object"]
    assert town.statuses(town.load(NOON + timedelta(minutes=1))) == ["unchanged"]


def test_a_fresh_machine_goes_on_where_the_lake_ends(town: TelemetryTown) -> None:
    town.add(NOON - timedelta(days=3), n="1")
    town.load()
    moved = town.lake.rename(town.lake.with_name("moved"))
    asked = len(town.store.asked)
    town.lake = moved
    town.add(NOON + timedelta(minutes=1), n="2")
    town.load(NOON + timedelta(minutes=2))
    assert town.numbers() == [1, 2]
    assert datetime.fromisoformat(town.store.asked[asked]["start"]) == NOON - timedelta(hours=2)


def test_the_token_is_sent_and_never_told(town: TelemetryTown) -> None:
    town.store.token = "t0ken-" + "of-the-store"
    word = town.town.folder / "token"
    word.write_text(town.store.token + "\n")
    town.declare("token_file: token")
    town.add(NOON - timedelta(minutes=1), n="1")
    town.load()
    assert town.numbers() == [1]
    word.write_text("wr0ng-word\n")
    report = town.load(exit_code=3)
    told = "\n".join(report.lines())
    assert "401" in told
    assert "wr0ng" not in told
