"""Promises of the judgement: nothing wins by luck, by rows it has seen, or at the price of a guard."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.evaluations import RULES, evaluation, evaluations
from training.decision import Seen, judge

WORSE = [2.0 + 0.01 * number for number in range(30)]
BETTER = [loss - 0.3 for loss in WORSE]


def test_a_challenger_that_is_better_on_every_group_is_promoted_and_the_numbers_say_how_much() -> None:
    judgement = judge(evaluations("new", BETTER), {"model": evaluations("model", WORSE)}, Seen(), RULES)
    assert judgement.outcome == "promote"
    (comparison,) = judgement.comparisons
    assert comparison.loss_difference == pytest.approx(-0.3)
    assert (comparison.low, comparison.high) == (pytest.approx(-0.3), pytest.approx(-0.3))
    assert comparison.challenger_loss == pytest.approx(sum(BETTER) / 30)
    assert (comparison.group_count, comparison.row_count, comparison.target_tokens) == (30, 30, 3000)


def test_a_better_mean_that_may_be_luck_keeps_who_serves() -> None:
    noisy = [loss + (0.98 if number % 2 else -1.0) for number, loss in enumerate(WORSE)]
    judgement = judge(evaluations("new", noisy), {"champion c": evaluations("c", WORSE)}, Seen(), RULES)
    assert judgement.comparisons[0].low < 0 < judgement.comparisons[0].high
    assert judgement.outcome == "keep"
    assert judgement.reason.startswith("no sure win against champion c")


def test_it_must_beat_every_opponent() -> None:
    opponents = {"model": evaluations("model", WORSE), "parent p": evaluations("p", [loss - 0.1 for loss in BETTER])}
    judgement = judge(evaluations("new", BETTER), opponents, Seen(), RULES)
    assert judgement.outcome == "keep"
    assert "parent p" in judgement.reason


@pytest.mark.parametrize("groups", [0, 1, 19])
def test_under_the_minimum_of_groups_there_is_no_promotion_however_good_it_looks(groups: int) -> None:
    judgement = judge(evaluations("new", BETTER[:groups]), {"model": evaluations("model", WORSE[:groups])}, Seen(), RULES)
    assert judgement.outcome == "not_enough_eval"
    assert judgement.eval_group_count == groups


def test_an_opponent_that_was_not_evaluated_is_not_beaten() -> None:
    judgement = judge(evaluations("new", BETTER), {"model": evaluations("model", WORSE), "champion c": []}, Seen(), RULES)
    assert judgement.outcome == "not_enough_eval"


def test_a_group_is_left_out_when_any_of_its_rows_was_seen_and_the_count_says_so() -> None:
    ours, theirs = evaluations("new", BETTER), evaluations("model", WORSE)
    # A second row of group 0 whose episode nobody saw goes with it.
    ours.append(evaluation("new", 99, 0.0, group_key="group-0"))
    theirs.append(evaluation("model", 99, 9.0, group_key="group-0"))
    seen = Seen(episode_keys=frozenset({"episode-0"}), group_keys=frozenset({"group-1", "group-of-nobody"}))
    judgement = judge(ours, {"model": theirs}, seen, RULES)
    assert (judgement.eval_group_count, judgement.excluded_group_count) == (28, 2)
    assert judgement.comparisons[0].row_count == 28


def test_test_rows_never_decide() -> None:
    ours = evaluations("new", BETTER, split="test")
    judgement = judge(ours, {"model": evaluations("model", WORSE, split="test")}, Seen(), RULES)
    assert (judgement.outcome, judgement.eval_group_count) == ("not_enough_eval", 0)


@pytest.mark.parametrize(
    ("worse", "guard"),
    [
        ({"correct_tokens": 59}, "token accuracy"),
        ({"wellformed_turns": 1}, "tool call format"),
        ({"valid_verbs": 3}, "verbs"),
        ({"generated_verbs": 0, "valid_verbs": 0}, "verbs"),
    ],
)
def test_a_guard_that_regresses_stops_a_win(worse: dict[str, int], guard: str) -> None:
    judgement = judge(evaluations("new", BETTER, **worse), {"model": evaluations("model", WORSE)}, Seen(), RULES)
    assert judgement.outcome == "keep"
    assert judgement.reason == f"against model it regressed in {guard}"


def test_a_fall_within_the_margin_is_no_regression() -> None:
    rules = replace(RULES, accuracy_margin=0.02)
    judgement = judge(evaluations("new", BETTER, correct_tokens=59), {"model": evaluations("model", WORSE)}, Seen(), rules)
    assert judgement.outcome == "promote"


def test_without_an_opponent_there_is_nothing_to_win() -> None:
    with pytest.raises(ValueError, match="needs an opponent"):
        judge(evaluations("new", BETTER), {}, Seen(), RULES)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 5), st.floats(0.1, 5)), min_size=20, max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing_and_the_interval_holds_the_difference(
    losses: list[tuple[float, float]], dice: random.Random
) -> None:
    ours = evaluations("new", [ours for ours, _ in losses])
    theirs = evaluations("model", [theirs for _, theirs in losses])
    rules = replace(RULES, resamples=100)
    before = judge(ours, {"model": theirs}, Seen(), rules)
    dice.shuffle(ours)
    dice.shuffle(theirs)
    after = judge(ours, {"model": theirs}, Seen(), rules)
    assert after.outcome == before.outcome
    assert after.comparisons[0].high == pytest.approx(before.comparisons[0].high)
    assert before.comparisons[0].low <= before.comparisons[0].high
    assert min(o - t for o, t in losses) - 1e-9 <= before.comparisons[0].low
    assert before.comparisons[0].high <= max(o - t for o, t in losses) + 1e-9
