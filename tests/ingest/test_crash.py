"""`kill -9` at every commit point: running again gives the ground truth, nothing twice, nothing lost."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.kill_points import ENVIRONMENT, KILL_POINTS
from ingest.run import run_ingest
from lake.tables import LOADS
from tests.ingest.lake_rows import line_numbers, rows
from tests.ingest.towns_on_disk import TownOnDisk, line, make_town

PROGRAM = """
import sys
from pathlib import Path
from ingest.run import run_ingest
run_ingest(Path(sys.argv[1]), Path(sys.argv[2]), only=["claude"], progress=False)
"""


def load_and_die(town: TownOnDisk, lake: Path, point: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(town.towns_file), str(lake)],
        env={**os.environ, ENVIRONMENT: point},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode


@pytest.mark.parametrize("point", KILL_POINTS)
def test_a_load_killed_anywhere_happens_exactly_once(tmp_path: Path, lake: Path, point: str) -> None:
    town = make_town(tmp_path / "towns")
    files = [town.transcript(f"-home-dev-gt/{number:08d}-3b4a-4c5d-8e6f-7a8b9c0d1e2f.jsonl") for number in range(3)]
    for number, path in enumerate(files):
        path.write_bytes(b"".join(line(100 * number + n) for n in range(20)) + b"not json\n")
    run_ingest(town.towns_file, lake, only=["claude"], progress=False)
    # One file grows, one is rewritten, one is as it was; then the loader dies, and the files go on living meanwhile.
    files[0].write_bytes(files[0].read_bytes() + b"".join(line(50 + n) for n in range(10)))
    files[1].write_bytes(b"".join(line(1000 + n) for n in range(5)))
    assert load_and_die(town, lake, point) == -signal.SIGKILL
    files[0].write_bytes(files[0].read_bytes() + line(60))
    run_ingest(town.towns_file, lake, only=["claude"], progress=False)
    expected = [100 * number + n for number in range(3) for n in range(20)] + list(range(50, 61)) + list(range(1000, 1005))
    assert line_numbers(lake) == sorted(expected)
    assert len(rows(lake, "quarantine")) == 3
    assert not list((lake / "ops" / "intents").iterdir())
    loads = rows(lake, LOADS.name)
    assert sum(row["rows"] for row in loads) == len(expected)
    assert len({row["load_seq"] for row in loads}) == len(loads)


def test_what_a_dead_loader_left_open_is_finished_without_the_source(tmp_path: Path, lake: Path) -> None:
    town = make_town(tmp_path / "towns")
    path = town.transcript("-home-dev-gt/00000000-3b4a-4c5d-8e6f-7a8b9c0d1e2f.jsonl")
    path.write_bytes(line(1) + line(2))
    assert load_and_die(town, lake, "intent_written") == -signal.SIGKILL
    path.unlink()
    run_ingest(town.towns_file, lake, only=["claude"], progress=False)
    assert line_numbers(lake) == [1, 2]
