"""People judge episodes of real transcripts at a terminal, and what they say arrives in the figures of agreement."""

import hashlib
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.label_journal import Label, LabelJournal
from ingest.redaction_key import load_key
from ingest.run import load_labels
from lake.duck import connect
from lake.exit_codes import ExitCode
from tests.dbt.analysts_file import write_analysts_file
from tests.dbt.conftest import TownsLake
from tests.dbt.projects import REAL, dbt
from tests.ingest.lake_rows import rows
from tests.training.judged_lake import as_a_person
from tests.training.terminal import Terminal
from training.calibration_gate import measure, read_pairs
from training.calibration_report import role_report
from training.calibration_rules import read_rules
from training.sample import cycle_sample, judged_episodes

pytestmark = pytest.mark.slow

FORGE = str(Path(__file__).parents[2] / "forge.py")
BUILD = ["build", "--select", "+fct_judge_agreement", "--exclude-resource-type", "test", "unit_test"]
ROLES = ("polecat", "refinery", "witness", "deacon", "mayor", "crew")
KINDS = ("polecat", "refinery", "witness", "deacon", "boot", "dog", "mayor", "crew")


@pytest.fixture
def analysts(tmp_path: Path, towns_lake: TownsLake) -> Path:
    """A folder that passes for the lake: its models are the shared ones, what is written goes into it."""
    return write_analysts_file(tmp_path / "lake", towns_lake.lake)


def test_a_sitting_over_real_episodes(analysts: Path) -> None:
    command = [sys.executable, FORGE, "--lake", str(analysts), "calibrate", "--role", "polecat", "--as", "ann"]
    terminal = Terminal(command, cwd=analysts, environment=as_a_person())
    shown = []
    for verdict in "gbu":
        shown.append(terminal.wait_for("q quit"))
        terminal.type(verdict)
        terminal.wait_for("take it back)? ")
        terminal.type("\n")
    terminal.wait_for("q quit")
    terminal.type("q")
    assert terminal.end() == ExitCode.OK, terminal.output
    assert all("polecat attempt" in text and "tool call" in text for text in shown)
    stored = rows(analysts, "labels")
    assert Counter(row["verdict"] for row in stored) == {"good": 1, "bad": 1, "unsure": 1}
    assert {row["labeller_kind"] for row in stored} == {"human"}
    assert all(row["town_id"] and row["session_key"] for row in stored)


def test_every_trained_role_has_episodes_to_judge(analysts: Path) -> None:
    with connect(analysts) as connection:
        rules = read_rules(connection)
        for role in ROLES:
            drawn = cycle_sample(analysts, connection, role, 1, rules)
            episodes = judged_episodes(connection, role)
            assert len(drawn) == min(rules.sample_size, len(episodes)) > 0, role
            sizes = {item.stratum: item.stratum_size for item in drawn}
            assert sum(sizes.values()) <= len(episodes), role


def test_every_kind_of_work_is_explained(analysts: Path, towns_lake: TownsLake) -> None:
    sessions = towns_lake.rows(
        "select max_by(session_key, tool_call_count) from dim_sessions where role is not null group by role order by role"
    )
    assert len(sessions) == len(KINDS)
    beads = towns_lake.rows("select max_by(bead_id, change_count) from dim_beads group by kind order by kind")
    for (what,) in [*sessions, *beads]:
        command = [sys.executable, FORGE, "--lake", str(analysts), "explain", what]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (ExitCode.OK, ""), what
        assert "\x1b" not in done.stdout
        assert "no reason recorded" not in done.stdout, done.stdout


def test_what_people_say_arrives_in_the_figures_as_python_computes_them(tmp_path: Path, towns_lake: TownsLake) -> None:
    """People agree with the gate on four of five episodes; an agent agrees with nobody."""
    lake = tmp_path / "lake"
    shutil.copytree(towns_lake.lake, lake)
    write_analysts_file(tmp_path / "before", towns_lake.lake)
    key = load_key(lake)
    with (
        connect(tmp_path / "before") as connection,
        LabelJournal(lake, key, "ann") as people,
        LabelJournal(lake, key, "bot") as bot,
    ):
        rules = read_rules(connection)
        for role in ROLES:
            episodes = judged_episodes(connection, role)
            for drawn in cycle_sample(tmp_path / "before", connection, role, 1, rules):
                episode = episodes.get(drawn.episode_key)
                assert episode is not None
                opposed = int(hashlib.md5(drawn.episode_key.encode(), usedforsecurity=False).hexdigest(), 16) % 5 == 0
                good = episode.is_accepted is not opposed
                for journal, kind, is_good in ((people, "human", good), (bot, "agent", not good)):
                    journal.append(
                        Label(
                            episode.town_id, episode.episode_key, episode.session_key, 1, journal.labeller, kind,
                            "good" if is_good else "bad", None, datetime.now(UTC), episode.judgement(drawn),
                        )
                    )  # fmt: skip
    load_labels(lake, key)
    built = dbt(REAL, lake, *BUILD, DBT_TARGET_PATH=str(tmp_path / "target"))
    assert built.exit_code == 0, built.output
    with connect(write_analysts_file(tmp_path / "after", lake)) as connection:
        stored = {
            (kind, role): figures
            for kind, role, *figures in connection.execute(
                "select judge_kind, role_family, pair_count, kappa, auc, calibration_error from fct_judge_agreement"
            ).fetchall()
        }
        for role in ROLES:
            pairs = read_pairs(connection, role)
            count, *values = stored["score", role]
            assert count == len(pairs) > 0
            for value, figure in zip(values, measure(pairs, rules).values(), strict=True):
                assert value == (None if figure.value is None else pytest.approx(figure.value, abs=1e-6))
            assert role_report(connection, role).verdict_count == count
            assert stored["agent", role][0] == count
            assert stored["agent", role][1] is None or stored["agent", role][1] < 0
            assert ("human", role) not in stored
