"""A cycle's sample: the same for the same cycle, spread over the strata, with the disputed among it, and kept once drawn."""

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from lake.duck import connect
from tests.training.judged_lake import RULES, JudgedLake, make_judged_lake
from training.calibration_rules import CalibrationRules, read_rules
from training.sample import Drawn, cycle_sample, draw, judged_episodes


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> JudgedLake:
    return make_judged_lake(tmp_path_factory.mktemp("sample") / "lake")


def rules(**changed: float) -> CalibrationRules:
    with duckdb.connect() as connection:
        connection.execute("create schema seeds; create table seeds.calibration_rules (rule varchar, value double)")
        connection.executemany("insert into seeds.calibration_rules values (?, ?)", list((RULES | changed).items()))
        return read_rules(connection)


def drawn(judged: JudgedLake, cycle: int = 1, **changed: float) -> list[Drawn]:
    with connect(judged.lake) as connection:
        return draw(connection, "polecat", cycle, rules(**changed))


def test_the_same_cycle_and_seed_draw_the_same_sample(judged: JudgedLake) -> None:
    first = drawn(judged)
    assert drawn(judged) == first
    assert {item.episode_key for item in drawn(judged, cycle=2)} != {item.episode_key for item in first}
    assert {item.episode_key for item in drawn(judged, sample_seed=2)} != {item.episode_key for item in first}


def test_the_disputed_have_their_share_and_every_other_stratum_its_turn(judged: JudgedLake) -> None:
    """Left out among the best: the three best of the hundred. Every other stratum is a decile of the bead's tier."""
    counted = Counter(item.stratum for item in drawn(judged, sample_size=23))
    assert counted.pop("disputed") == 3
    assert counted == {f"bead, decile {decile}": 2 for decile in range(1, 11)}


def test_the_disputed_are_no_more_than_their_share_while_there_are_others(judged: JudgedLake) -> None:
    assert Counter(item.stratum for item in drawn(judged, sample_size=12, disputed_share=0.1))["disputed"] == math.ceil(1.2)


def test_strata_together_are_all_episodes(judged: JudgedLake) -> None:
    sizes = {item.stratum: item.stratum_size for item in drawn(judged, sample_size=1000)}
    assert sum(sizes.values()) == len(drawn(judged, sample_size=1000)) == judged.count


def test_another_judge_who_says_the_opposite_makes_an_episode_disputed(tmp_path: Path) -> None:
    judged = make_judged_lake(tmp_path / "lake")
    judged.execute("insert into fct_labels values ('episode-060', 'bot', 'agent', false, 'bad', null, true, 1, 'polecat')")
    judged.execute("insert into fct_labels values ('episode-061', 'bot', 'agent', false, 'good', null, true, 1, 'polecat')")
    judged.execute("insert into fct_labels values ('episode-062', 'ann', 'human', true, 'bad', null, true, 1, 'polecat')")
    disputed = {item.episode_key for item in drawn(judged, sample_size=1000) if item.stratum == "disputed"}
    assert disputed == {"episode-060", "episode-097", "episode-098", "episode-099"}


def test_a_sample_stays_as_it_was_drawn_when_the_scores_move(tmp_path: Path) -> None:
    judged = make_judged_lake(tmp_path / "lake")
    with connect(judged.lake) as connection:
        first = cycle_sample(judged.lake, connection, "polecat", 1, rules())
    judged.execute("update fct_episode_scores set rank_score = 1 - rank_score")
    assert [item.episode_key for item in drawn(judged)] != [item.episode_key for item in first]
    with connect(judged.lake) as connection:
        assert cycle_sample(judged.lake, connection, "polecat", 1, replace(rules(), sample_seed=5)) == first


def test_only_episodes_with_an_outcome_that_can_be_verified_are_asked_about(tmp_path: Path) -> None:
    judged = make_judged_lake(tmp_path / "lake", count=10)
    judged.execute("update fct_outcomes set outcome = 'open', outcome_class = 'none' where episode_key = 'episode-003'")
    with connect(judged.lake) as connection:
        assert set(judged_episodes(connection, "polecat")) == set(judged.keys()) - {"episode-003"}
        assert judged_episodes(connection, "crew") == {}


def test_without_episodes_nothing_is_drawn_and_nothing_is_kept(judged: JudgedLake) -> None:
    with connect(judged.lake) as connection:
        assert cycle_sample(judged.lake, connection, "crew", 1, rules()) == []
    assert not (judged.lake / "ops" / "calibration" / "crew-1.json").exists()
