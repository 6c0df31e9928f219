"""The event log is pruned and rewritten all the time; every event is in the lake once."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.run import run_ingest
from tests.ingest.lake_rows import rows
from tests.ingest.towns_on_disk import TownOnDisk, make_town


def event(number: int, second: int | None = None) -> str:
    value = {"ts": f"2026-04-27T09:{(second or number) // 60:02d}:{(second or number) % 60:02d}Z", "source": "gt", "type": "nudge"}
    return json.dumps(value | {"actor": "mayor", "payload": {"reason": f"n{number}"}}) + "\n"


def load(town: TownOnDisk, lake: Path, content: str, clock: int) -> list[str]:
    path = town.root / ".events.jsonl"
    path.write_text(content)
    os.utime(path, (1_760_000_000 + clock, 1_760_000_000 + clock))
    report = run_ingest(town.towns_file, lake, only=["town_events"], progress=False)
    assert report.exit_code == 0, report.lines()
    return sorted(json.loads(row["record"])["payload"]["reason"] for row in rows(lake, "town_events"))


def test_a_pruned_log_gives_no_event_twice(tmp_path: Path, lake: Path) -> None:
    town = make_town(tmp_path / "towns")
    assert load(town, lake, event(1) + event(2) + event(3), 1) == ["n1", "n2", "n3"]
    assert load(town, lake, event(2) + event(3) + event(4), 2) == ["n1", "n2", "n3", "n4"]
    assert load(town, lake, event(2) + event(3) + event(4) + event(5), 3) == ["n1", "n2", "n3", "n4", "n5"]


def test_equal_lines_are_counted(tmp_path: Path, lake: Path) -> None:
    town = make_town(tmp_path / "towns")
    assert load(town, lake, event(1) * 2, 1) == ["n1", "n1"]
    assert load(town, lake, event(1) * 3, 2) == ["n1", "n1", "n1"]
    assert load(town, lake, event(1) * 3 + event(2), 3) == ["n1", "n1", "n1", "n2"]
    assert {row["occurrence"] for row in rows(lake, "town_events")} == {0, 1, 2}


def test_half_a_line_waits(tmp_path: Path, lake: Path) -> None:
    town = make_town(tmp_path / "towns")
    assert load(town, lake, event(1) + event(2)[:30], 1) == ["n1"]
    assert load(town, lake, event(1) + event(2), 2) == ["n1", "n2"]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=4))
def test_however_the_log_is_pruned_and_appended_to_every_event_is_there_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]]
) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("log")
    town = make_town(folder / "towns")
    log: list[str] = []
    expected: list[str] = []
    for clock, (pruned, appended) in enumerate(steps):
        # Two events share each second, and every third line equals the one before it.
        new = [event(len(expected) + n - (len(expected) + n) % 3 // 2, second=(len(expected) + n) // 2) for n in range(appended)]
        # Pruning goes by age: the newest lines stay, so a line is never written again after its equal was pruned.
        log = log[min(pruned, max(0, len(log) - 2)) :] + new
        expected += new
        found = load(town, folder / "lake", "".join(log), clock)
    assert found == sorted(json.loads(text)["payload"]["reason"] for text in expected)
