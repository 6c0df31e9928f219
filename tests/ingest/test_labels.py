"""Confirmed verdicts come into the lake exactly once, wherever a load is killed, and whatever state their file is in."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.kill_points import ENVIRONMENT
from ingest.label_journal import Label, LabelJournal, journal_files, waiting_records
from ingest.redaction_key import load_key
from ingest.run import load_labels, run_ingest
from lake.releases import now
from tests.ingest.lake_rows import rows
from tests.ingest.towns_on_disk import make_town

AT = datetime(2026, 5, 1, tzinfo=UTC)
PROGRAM = """
import sys
from pathlib import Path
from ingest.redaction_key import load_key
from ingest.run import load_labels
load_labels(Path(sys.argv[1]), load_key(Path(sys.argv[1])))
"""


def label(number: int, labeller: str = "ann", reason: str | None = None) -> Label:
    return Label("t1", f"{number:032x}", f"{number:032x}", 1, labeller, "human", "good", reason, AT, {"role": "polecat"})


def sitting(lake: Path, *numbers: int) -> None:
    with LabelJournal(lake, load_key(lake, create=True), "ann") as journal:
        for number in numbers:
            journal.append(label(number))


def judged(lake: Path) -> list[int]:
    return sorted(int(row["episode_key"], 16) for row in rows(lake, "labels"))


# The other points lie in what every load shares; tests/ingest/test_crash.py dies at each of them.
@pytest.mark.parametrize("point", ["while_extracting", "intent_written", "load_committed"])
def test_a_load_killed_anywhere_happens_exactly_once(lake: Path, point: str) -> None:
    sitting(lake, 1, 2)
    load_labels(lake, load_key(lake))
    sitting(lake, 3, 4)
    died = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(lake)], env={**os.environ, ENVIRONMENT: point}, capture_output=True, check=False
    )
    assert died.returncode == -signal.SIGKILL
    sitting(lake, 5)
    load_labels(lake, load_key(lake))
    assert judged(lake) == [1, 2, 3, 4, 5]
    assert journal_files(lake) == []


def test_a_sitting_that_goes_on_is_loaded_as_it_grows(lake: Path) -> None:
    key = load_key(lake, create=True)
    with LabelJournal(lake, key, "ann") as journal:
        journal.append(label(1))
        assert load_labels(lake, key).counts.rows == 1
        assert len(journal_files(lake)) == 1
        journal.append(label(2))
        assert load_labels(lake, key).counts.rows == 1
        assert load_labels(lake, key).status == "unchanged"
    assert load_labels(lake, key).status == "unchanged"
    assert journal_files(lake) == []
    assert judged(lake) == [1, 2]


def test_a_line_that_was_torn_by_a_crash_was_never_confirmed(lake: Path) -> None:
    sitting(lake, 1)
    (path,) = journal_files(lake)
    path.write_bytes(path.read_bytes() + b'{"label": {"verd')
    assert len(list(waiting_records(lake))) == 1
    report = load_labels(lake, load_key(lake))
    assert (report.counts.rows, report.counts.quarantined) == (1, 1)
    assert [(row["source"], row["reason"]) for row in rows(lake, "quarantine")] == [("labels", "invalid_json")]
    assert journal_files(lake) == []


def test_every_load_of_towns_takes_what_a_reviewer_left_behind(tmp_path: Path, lake: Path) -> None:
    town = make_town(tmp_path / "towns")
    sitting(lake, 1)
    report = run_ingest(town.towns_file, lake, progress=False)
    assert [(stream.source, stream.status) for stream in report.streams if stream.source == "labels"] == [("labels", "loaded")]
    assert judged(lake) == [1]
    again = run_ingest(town.towns_file, lake, progress=False)
    assert {stream.status for stream in again.streams} == {"unchanged"}


def test_nothing_unredacted_is_written_anywhere(lake: Path) -> None:
    key = load_key(lake, create=True)
    with LabelJournal(lake, key, "ann@example.org") as journal:
        written = journal.append(label(1, journal.labeller, "mail ann@example.org or look at /home/ann/notes"))
        assert written.labeller == journal.labeller
        load_labels(lake, key)
    assert "ann@example.org" not in (written.reason or "") + written.labeller
    for path in lake.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"ann@example.org" not in content, path
            assert b"/home/ann" not in content, path
    assert [(row["json_path"], row["town_id"]) for row in rows(lake, "redactions")] == [
        ("$.labeller", "t1"),
        ("$.reason", "t1"),
        ("$.reason", "t1"),
    ]


def test_verdicts_do_not_move_what_the_lake_knows_of_time(lake: Path) -> None:
    """Maturity is judged against the newest recorded time: a person's sitting proves nothing about the towns."""
    sitting(lake, 1)
    load_labels(lake, load_key(lake))
    assert [row["newest_at"] for row in rows(lake, "loads")] == [None]


def test_a_sitting_takes_no_verdict_of_somebody_else(lake: Path) -> None:
    with (
        LabelJournal(lake, load_key(lake, create=True), "ann") as journal,
        pytest.raises(ValueError, match="somebody else"),
    ):
        journal.append(label(1, "ben"))


@pytest.mark.parametrize(("kind", "verdict"), [("king", "good"), ("human", "great")])
def test_unknown_kinds_and_verdicts_are_refused(kind: str, verdict: str) -> None:
    with pytest.raises(ValueError, match="accepted are"):
        Label("t1", "e", "s", 1, "ann", kind, verdict, None, now(), {})
