"""What a world's log store would say agrees with its transcripts, and changes nothing else."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from simtown import Truth, generate
from simtown.telemetry import FILE_NAME
from tests.simtown.test_generate import digest


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth, list[dict[str, Any]]]:
    out = tmp_path_factory.mktemp("telemetry") / "world"
    truth = generate(out, size="small", with_telemetry=True)
    files = sorted(out.glob(f"*/telemetry/{FILE_NAME}"))
    return out, truth, [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def test_a_world_with_telemetry_is_the_same_world(
    small: tuple[Path, Truth], world: tuple[Path, Truth, list[dict[str, Any]]]
) -> None:
    for folder in ("alpha/gt", "alpha/home", "beta/gt", "beta/home"):
        assert digest(world[0] / folder) == digest(small[0] / folder)


def test_a_share_of_the_sessions_is_told_from_start_to_stop(world: tuple[Path, Truth, list[dict[str, Any]]]) -> None:
    _, truth, records = world
    sessions = {row["session_id"]: row for row in truth.rows("sessions")}
    watched = truth.all("telemetry")
    assert 0.5 < len(watched) / len(sessions) < 0.9
    by_run: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        by_run[record.get("run.id", "")].append(record)
    for row in watched:
        started = next(record for record in by_run[row["run_id"]] if record["_msg"] == "agent.instantiate")
        assert started["session_id"] == sessions[row["session_id"]]["tmux"]
        assert started["_time"] < sessions[row["session_id"]]["started_at"]
        usage = {record["native_session_id"] for record in by_run[row["run_id"]] if record["_msg"] == "agent.usage"}
        assert usage <= {row["session_id"]}


def test_every_done_names_its_session_s_first_bead(world: tuple[Path, Truth, list[dict[str, Any]]]) -> None:
    _, truth, records = world
    beads = {row["run_id"]: row["bead_id"] for row in truth.rows("telemetry")}
    done = [record for record in records if record["_msg"] == "done"]
    assert {record["exit_type"] for record in done} >= {"COMPLETED"}
    assert {record["_time"] for record in done} == {
        record["_time"] for record in done if record["gt.issue"] == beads[record["run.id"]]
    }


def test_events_that_must_not_be_kept_are_there_to_be_left_out(world: tuple[Path, Truth, list[dict[str, Any]]]) -> None:
    assert {"prompt", "tool_parameters", "gt.prompt", "user.email"} <= {name for record in world[2] for name in record}
