"""`forge calibrate` at a terminal and from files: what is confirmed is kept, once, redacted, and signed as what it is."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingest.label_journal import journal_files
from ingest.redaction_key import load_key
from ingest.run import load_labels
from lake.exit_codes import ExitCode
from lake.locks import LockHeldError
from lake.tell import Told
from tests.ingest.lake_rows import rows
from tests.training.judged_lake import JudgedLake, as_a_person, make_judged_lake
from tests.training.terminal import Terminal
from training.calibrate import AGENT_VARIABLES, labeller_kind, run_calibration

TREE = Path(__file__).parents[2]


@pytest.fixture
def judged(lake: Path) -> JudgedLake:
    return make_judged_lake(lake)


def command(judged: JudgedLake, *arguments: str) -> list[str]:
    return [sys.executable, str(TREE / "forge.py"), "--lake", str(judged.lake), "calibrate", *arguments]


def sit_down(judged: JudgedLake, *arguments: str, **environment: str) -> Terminal:
    return Terminal(command(judged, "--role", "polecat", *arguments), cwd=TREE, environment={**as_a_person(), **environment})


@pytest.fixture
def a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever runs the tests, somebody who is no agent runs the program."""
    for name in AGENT_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def from_file(judged: JudgedLake, lines: list[Any], labeller: str = "bot", role: str | None = None) -> ExitCode:
    path = judged.lake.parent / "verdicts.jsonl"
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return run_calibration(judged.lake, role=role, cycle=None, labeller=labeller, source=path, limit=None)


def labels(judged: JudgedLake) -> list[dict[str, Any]]:
    return sorted(rows(judged.lake, "labels"), key=lambda row: row["labelled_at"])


def judge(terminal: Terminal, keys: str) -> str:
    """Wait for the next episode, type, and give back the episode's key."""
    shown = terminal.wait_for("q quit")
    terminal.type(keys)
    return next(word for word in shown.split() if word.startswith("episode-"))


def test_a_sitting_brings_its_verdicts_into_the_lake_and_the_next_one_goes_on(judged: JudgedLake) -> None:
    terminal = sit_down(judged, "--as", "ann")
    first = judge(terminal, "g")
    terminal.wait_for("take it back)? ")
    terminal.type("mailed ann@example.org!\x7f\n")
    second = judge(terminal, "b")
    terminal.wait_for("take it back)? ")
    terminal.type("\n")
    skipped = judge(terminal, "s")
    judge(terminal, "q")
    assert terminal.end() == ExitCode.OK, terminal.output
    assert "2 verdicts by ann (human) are in the lake" in terminal.output
    found = labels(judged)
    assert [(row["episode_key"], row["verdict"], row["labeller"], row["labeller_kind"], row["cycle"]) for row in found] == [
        (first, "good", "ann", "human", 1),
        (second, "bad", "ann", "human", 1),
    ]
    record = json.loads(found[0]["record"])
    assert record["reason"].startswith("mailed person-")
    assert "ann@example.org" not in found[0]["record"]
    assert [(row["source"], row["json_path"]) for row in rows(judged.lake, "redactions")] == [("labels", "$.reason")]
    assert record["judged"]["rank_score"] == int(first[-3:]) / 100
    assert record["judged"]["stratum_size"] >= 1
    assert journal_files(judged.lake) == []
    again = sit_down(judged, "--as", "ann")
    assert judge(again, "q") == skipped
    assert again.end() == ExitCode.OK


def test_a_sitting_that_is_killed_loses_nothing_that_was_confirmed(judged: JudgedLake) -> None:
    terminal = sit_down(judged)
    confirmed = []
    for _ in range(3):
        confirmed.append(judge(terminal, "g"))
        terminal.wait_for("take it back)? ")
        terminal.type("\n")
    judge(terminal, "b")
    terminal.wait_for("take it back)? ")
    terminal.type("never conf")
    terminal.wait_for("never conf")
    terminal.kill()
    assert rows(judged.lake, "labels") == []
    key = load_key(judged.lake)
    assert load_labels(judged.lake, key).counts.rows == 3
    assert load_labels(judged.lake, key).status == "unchanged"
    assert [row["episode_key"] for row in labels(judged)] == confirmed
    assert journal_files(judged.lake) == []


def test_the_screen_shows_the_episode_and_not_what_became_of_it(judged: JudgedLake) -> None:
    terminal = sit_down(judged, NO_COLOR="1")
    shown = terminal.wait_for("q quit")
    terminal.type("q")
    assert terminal.end() == ExitCode.OK
    assert "1 of 12  polecat attempt  rig/polecats/toast of alpha" in shown
    assert "bead gt-1 (task P2): Mend the roof" in shown
    assert "message 2 of episode-" in shown
    assert "message 3 of episode-" in shown
    assert "message 1 of" not in shown
    assert "message 4 of" not in shown
    for word in ("merged", "rejected", "0.9", "\x1b[3"):
        assert word not in shown.partition("1 of 12")[2]


def test_escape_takes_a_verdict_back_and_previous_corrects_the_last(judged: JudgedLake) -> None:
    terminal = sit_down(judged)
    first = judge(terminal, "b")
    terminal.wait_for("take it back)? ")
    terminal.type("\x1b")
    terminal.wait_for("q quit")
    terminal.type("g")
    terminal.wait_for("take it back)? ")
    terminal.type("\n")
    judge(terminal, "p")
    assert judge(terminal, "u") == first
    terminal.wait_for("take it back)? ")
    terminal.type("\n")
    judge(terminal, "q")
    assert terminal.end() == ExitCode.OK
    assert [(row["episode_key"], row["verdict"]) for row in labels(judged)] == [(first, "good"), (first, "unsure")]


def test_an_agents_verdicts_never_count_as_a_persons(
    judged: JudgedLake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GT_ROLE", "rig/witness")
    assert from_file(judged, [{"episode_key": "episode-004", "verdict": "good"}]) is ExitCode.OK
    assert "do not count as people's" in capsys.readouterr().out
    assert [row["labeller_kind"] for row in labels(judged)] == ["agent"]


@pytest.mark.parametrize(
    ("is_file", "environment", "kind"),
    [
        (False, {}, "human"),
        (True, {}, "script"),
        (True, {"GT_ROLE": "mayor"}, "agent"),
        (False, {"CLAUDECODE": "1"}, "agent"),
        (False, {"GT_ROLE": ""}, "human"),
    ],
)
def test_who_judges_is_seen_not_claimed(is_file: bool, environment: dict[str, str], kind: str) -> None:
    assert labeller_kind(is_file=is_file, environment=environment) == kind


@pytest.mark.usefixtures("a_person")
def test_verdicts_from_a_file_are_a_scripts_and_a_file_can_be_given_twice(
    judged: JudgedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [{"episode_key": "episode-004", "verdict": "bad", "reason": "see ann@example.org"}, {"episode_key": "episode-090",
              "verdict": "good"}]  # fmt: skip
    for expected in ("2 verdicts by bot (script) are in the lake", "No new verdict."):
        assert from_file(judged, given) is ExitCode.OK
        assert expected in capsys.readouterr().out
    found = labels(judged)
    assert [(row["episode_key"], row["labeller_kind"], row["town_id"]) for row in found] == [
        ("episode-004", "script", "t1"),
        ("episode-090", "script", "t1"),
    ]
    assert "ann@example.org" not in found[0]["record"]
    assert from_file(judged, [{"episode_key": "episode-004", "verdict": "good"}]) is ExitCode.OK
    assert [row["verdict"] for row in labels(judged)] == ["bad", "good", "good"]


def test_a_file_with_a_fault_is_refused_whole_with_its_lines_and_without_its_texts(judged: JudgedLake) -> None:
    with pytest.raises(Told) as told:
        from_file(
            judged,
            [
                {"episode_key": "episode-004", "verdict": "good"},
                "hunter2\n",
                {"episode_key": "episode-999", "verdict": "good"},
                {"episode_key": "episode-005", "verdict": "hunter2"},
                {"episode_key": "episode-005", "verdict": "bad", "hunter2": 1},
                {"episode_key": "episode-005", "verdict": "bad", "reason": 7},
            ],
        )
    assert told.value.exit_code is ExitCode.USAGE
    message = str(told.value).replace(str(judged.lake.parent / "verdicts.jsonl"), "FILE")
    assert [line.partition(": ")[0] for line in message.splitlines()] == [
        "FILE:2", "FILE:3", "FILE:4", "FILE:5", "FILE:6", "nothing was taken",
    ]  # fmt: skip
    assert "FILE:4: verdict: accepted are good, bad, unsure" in message
    assert "hunter2" not in message
    assert rows(judged.lake, "labels") == []


def test_people_need_a_terminal(judged: JudgedLake) -> None:
    done = subprocess.run(
        command(judged), cwd=TREE, env=as_a_person(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == ExitCode.USAGE
    assert "--from FILE" in done.stderr


def test_a_role_that_is_not_trained_lists_those_that_are(judged: JudgedLake) -> None:
    with pytest.raises(Told, match="no trained role 'king'; trained roles: crew, deacon, polecat"):
        from_file(judged, [], role="king")


def test_the_same_name_cannot_judge_twice_at_once(judged: JudgedLake) -> None:
    terminal = sit_down(judged, "--as", "ann")
    terminal.wait_for("q quit")
    with pytest.raises(LockHeldError, match="is locked by process"):
        from_file(judged, [], labeller="ann")
    terminal.type("q")
    assert terminal.end() == ExitCode.OK
