"""The gate is open only when people have said enough and agree with the scores beyond doubt; the report says so."""

import json
import re
from pathlib import Path

import duckdb
import pytest

from lake.duck import CATALOG, connect
from lake.tell import Told
from tests.training.judged_lake import JudgedLake, make_judged_lake
from training.calibration_gate import calibration_gate
from training.calibration_report import print_report


@pytest.fixture
def judged(tmp_path: Path) -> JudgedLake:
    """Sixty episodes with scores, about which people have said nothing yet."""
    return make_judged_lake(tmp_path / "lake", count=60)


def people_say(judged: JudgedLake, agreeing: int, opposed: int, undecided: int = 0) -> None:
    """People judge so many episodes as the gate did, so many the other way, and do not agree about the rest."""
    total = agreeing + opposed + undecided
    judged.execute(
        "insert into fct_calibration_pairs "
        "select episode_key, 'polecat', outcome, tier, gate_reason, is_gate_passed, rank_score, "
        f"case when place <= {agreeing} then is_gate_passed when place <= {agreeing + opposed} then not is_gate_passed end, 1.0 "
        "from (select *, row_number() over (order by md5(episode_key)) as place from fct_episode_scores) "
        f"inner join fct_outcomes using (episode_key) where place <= {total}"
    )


def ask(judged: JudgedLake, cycle: int = 1) -> tuple[bool, str]:
    with connect(judged.lake) as connection:
        gate = calibration_gate(connection, "polecat", cycle)
    return gate.is_open, gate.reason


def test_without_verdicts_it_is_shut(judged: JudgedLake) -> None:
    assert ask(judged) == (False, "people decided 0 episodes, 30 are needed")


def test_episodes_on_which_people_do_not_agree_do_not_count(judged: JudgedLake) -> None:
    people_say(judged, 29, 0, undecided=5)
    assert ask(judged) == (False, "people decided 29 episodes, 30 are needed")


def test_agreement_beyond_doubt_opens_it(judged: JudgedLake) -> None:
    people_say(judged, 50, 2)
    is_open, reason = ask(judged)
    assert is_open
    assert reason.startswith("the lower bound of kappa must exceed 0.6, and is 0.")


def test_a_kappa_above_the_bound_is_not_enough_when_its_interval_reaches_below(judged: JudgedLake) -> None:
    people_say(judged, 27, 5)
    with connect(judged.lake) as connection:
        gate = calibration_gate(connection, "polecat", 1)
    assert gate.kappa.value is not None
    assert gate.kappa.value > 0.6
    assert not gate.is_open


def test_verdicts_of_one_class_leave_it_shut(judged: JudgedLake) -> None:
    people_say(judged, 60, 0)
    judged.execute("delete from fct_calibration_pairs where not is_accepted; insert into fct_calibration_pairs "
                   "select * replace ('x' || episode_key as episode_key) from fct_calibration_pairs")  # fmt: skip
    is_open, reason = ask(judged)
    assert not is_open
    assert "kappa is not defined" in reason


@pytest.mark.parametrize(("cycle", "is_open"), [(1, False), (3, False), (4, True)])
def test_it_is_asked_in_the_first_cycles_only(judged: JudgedLake, cycle: int, is_open: bool) -> None:
    assert ask(judged, cycle)[0] is is_open


def test_a_release_without_calibration_says_what_to_run(tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / CATALOG)).close()
    with connect(tmp_path) as connection, pytest.raises(Told, match="run `forge build` and `forge catalog`"):
        calibration_gate(connection, "polecat", 1)


def test_the_report_shows_figures_gate_and_disagreements_by_rule(judged: JudgedLake, capsys: pytest.CaptureFixture[str]) -> None:
    people_say(judged, 48, 12)
    judged.execute(
        "insert into fct_labels select episode_key, 'ann', 'human', true, 'bad', 'it broke the build', true, 1, 'polecat' "
        "from fct_calibration_pairs where is_accepted and not is_good"
    )
    print_report(judged.lake, role="polecat", as_json=False)
    text = capsys.readouterr().out
    counted = re.findall(
        r"polecat (merged|rejected) \(bead; [a-z_ ]+\): (\d+) (let in, people say bad|left out, people say good)", text
    )
    assert {(outcome, end) for outcome, _, end in counted} == {
        ("merged", "let in, people say bad"),
        ("rejected", "left out, people say good"),
    }
    assert sum(int(count) for _, count, _ in counted) == 12
    assert "polecat        60" in text
    assert "polecat: shut: the lower bound of kappa must exceed 0.6" in text
    assert "it broke the build" in text
    assert "\x1b" not in text


def test_the_report_as_json_has_every_role_and_agents_apart(judged: JudgedLake, capsys: pytest.CaptureFixture[str]) -> None:
    people_say(judged, 30, 0)
    judged.execute("insert into fct_judge_agreement values ('agent', 'rig/witness', 'polecat', 25, 0.8, 0.5), "
                   "('score', 'rules 1', 'polecat', 30, 1, 1)")  # fmt: skip
    print_report(judged.lake, role=None, as_json=True)
    answer = json.loads(capsys.readouterr().out)
    assert [role["role"] for role in answer["roles"]] == ["crew", "deacon", "polecat"]
    polecat = answer["roles"][2]
    assert (polecat["verdict_count"], polecat["figures"]["kappa"]["value"], polecat["gate"]["is_open"]) == (30, 1.0, True)
    assert [judge["judge_kind"] for judge in answer["judges"]] == ["agent"]
