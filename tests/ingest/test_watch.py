"""Polling: on a fixed grid, one line per change, silence when idle, and a graceful end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.watch import _until_next, interval_seconds, watch
from lake.exit_codes import ExitCode
from lake.runs import looks
from lake.tables import open_raw
from lake.tell import Told
from tests.ingest.dolt_town import DoltTown, issue
from tests.ingest.test_dolt_rows import FIRST

TREE = Path(__file__).parents[2]


@pytest.mark.parametrize(("text", "seconds"), [("60s", 60), ("5m", 300), ("1h", 3600), ("90", 90), ("1.5s", 1.5)])
def test_intervals(text: str, seconds: float) -> None:
    assert interval_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0.1s", "-5s", "1d", "soon"])
def test_an_interval_that_is_none_is_a_usage_error(text: str) -> None:
    with pytest.raises(Told) as caught:
        interval_seconds(text)
    assert caught.value.exit_code == ExitCode.USAGE


def test_moments_do_not_drift_and_missed_ones_are_left_out() -> None:
    assert _until_next(100.0, 60.0, 107.5) == 52.5
    assert _until_next(100.0, 60.0, 165.0) == 55.0
    assert _until_next(100.0, 60.0, 160.0) == 60.0


def test_a_change_is_one_line_and_idle_polls_say_and_commit_nothing(
    dolt_town: DoltTown, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch(dolt_town.town.towns_file, dolt_town.lake, 0.01, only=["dolt"], polls=4) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert f"dolt of alpha: {len(FIRST)} rows as load 1" in lines[0]
    assert open_raw(dolt_town.lake, "loads").version() == 1


def test_a_poll_of_everything_is_a_look_at_the_town_and_a_poll_of_one_source_is_not(dolt_town: DoltTown) -> None:
    watch(dolt_town.town.towns_file, dolt_town.lake, 0.01, only=["dolt"], polls=1)
    assert looks(dolt_town.lake) == {}
    watch(dolt_town.town.towns_file, dolt_town.lake, 0.01, only=None, polls=1)
    assert {name: look.town_id for name, look in looks(dolt_town.lake).items()} == {"alpha": "alpha"}


def test_nothing_to_poll_is_a_usage_error(dolt_town: DoltTown) -> None:
    text = dolt_town.town.towns_file.read_text()
    dolt_town.town.towns_file.write_text(text.partition("    dolt:")[0])
    with pytest.raises(Told, match="declares no database server"):
        watch(dolt_town.town.towns_file, dolt_town.lake, 60, only=["dolt"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_loop_after_the_poll(dolt_town: DoltTown, number: signal.Signals) -> None:
    command = [sys.executable, str(TREE / "forge.py"), "ingest", "--only", "dolt", "--every", "1h"]
    command += ["--towns", str(dolt_town.town.towns_file)]
    environment = {**os.environ, "FORGE_LAKE": str(dolt_town.lake)}
    dolt_town.server.insert("hq", "issues", issue("hq-3"))
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "rows as load 1" in process.stdout.readline()
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (0, "stopped after 1 poll\n", "")
