"""The figures of agreement are what their papers say, weights count as repetitions, and what is not defined is not a number."""

import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.agreement import Pair, auc, calibration_error, figures, kappa

pair = st.builds(Pair, st.booleans(), st.booleans(), st.none() | st.integers(0, 20).map(lambda n: n / 20), st.integers(1, 4))
pairs = st.lists(pair, max_size=25)


def weighted(given_pairs: list[Pair]) -> list[tuple[Pair, float]]:
    return [(item, item.weight) for item in given_pairs]


def table(both: int, only_judge: int, only_people: int, neither: int) -> list[Pair]:
    cells = ((True, True, both), (True, False, only_judge), (False, True, only_people), (False, False, neither))
    return [Pair(judged, good) for judged, good, count in cells for _ in range(count)]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        # (20 + 15) / 50 = 0.7 observed; 0.5 * 0.6 + 0.5 * 0.4 = 0.5 by chance.
        ((20, 5, 10, 15), 0.4),
        # The same observed agreement of 0.6 with uneven and even classes: (0.6 - 0.54) / 0.46 and (0.6 - 0.46) / 0.54.
        ((45, 15, 25, 15), 0.06 / 0.46),
        ((25, 35, 5, 35), 0.14 / 0.54),
        ((10, 0, 0, 10), 1.0),
        ((0, 10, 10, 0), -1.0),
        # The judge says good to everything: agreement is chance.
        ((7, 3, 0, 0), 0.0),
    ],
)
def test_kappa_is_what_is_computed_by_hand(cells: tuple[int, int, int, int], expected: float) -> None:
    assert kappa(weighted(table(*cells))) == pytest.approx(expected)


@pytest.mark.parametrize("cells", [(0, 0, 0, 0), (9, 0, 0, 0), (0, 0, 0, 9)])
def test_kappa_of_one_class_or_of_nothing_is_undefined(cells: tuple[int, int, int, int]) -> None:
    assert kappa(weighted(table(*cells))) is None


def test_auc_is_what_is_computed_by_hand() -> None:
    """Good 0.9, 0.5, 0.5 against bad 0.5, 0.1: won 1, 1, half, 1, half, 1 of six."""
    scored = [(0.9, True), (0.5, True), (0.5, True), (0.5, False), (0.1, False)]
    assert auc([(Pair(True, good, score), 1.0) for score, good in scored]) == pytest.approx(5 / 6)


@given(pairs)
def test_auc_is_the_share_of_won_comparisons(given_pairs: list[Pair]) -> None:
    scored = [item for item in given_pairs if item.score is not None]
    good = [item for item in scored if item.is_good]
    bad = [item for item in scored if not item.is_good]
    won = total = 0.0
    for one, other in product(good, bad):
        assert one.score is not None
        assert other.score is not None
        total += one.weight * other.weight
        won += one.weight * other.weight * ((one.score > other.score) + (one.score == other.score) / 2)
    found = auc(weighted(given_pairs))
    assert found is None if total == 0 else found == pytest.approx(won / total)


def test_calibration_error_is_what_is_computed_by_hand() -> None:
    """Bin 0.9..1: mean 0.95, half good, gap 0.45 of 4 pairs; bin 0.2..0.3: mean 0.2, none good, gap 0.2 of 1 pair."""
    scored = [(0.9, True), (1.0, True), (0.95, False), (0.95, False), (0.2, False)]
    assert calibration_error([(Pair(True, good, score), 1.0) for score, good in scored]) == pytest.approx((4 * 0.45 + 0.2) / 5)


def test_without_scores_there_is_neither_auc_nor_calibration_error() -> None:
    without = weighted(table(3, 3, 3, 3))
    assert (auc(without), calibration_error(without)) == (None, None)


@given(pairs)
def test_a_weight_counts_as_so_many_pairs(given_pairs: list[Pair]) -> None:
    repeated = [(item, 1.0) for item in given_pairs for _ in range(int(item.weight))]
    for figure in (kappa, auc, calibration_error):
        one, other = figure(weighted(given_pairs)), figure(repeated)
        assert (one is None) == (other is None)
        assert one is None or one == pytest.approx(other, abs=1e-9)


@given(pairs, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_figures_stay_in_their_range(given_pairs: list[Pair], dice: random.Random) -> None:
    mixed = weighted(given_pairs)
    dice.shuffle(mixed)
    for figure, low in ((kappa, -1), (auc, 0), (calibration_error, 0)):
        one, other = figure(weighted(given_pairs)), figure(mixed)
        assert (one is None) == (other is None)
        assert one is None or (one == pytest.approx(other, abs=1e-9) and low - 1e-9 <= one <= 1 + 1e-9)


@given(pairs)
def test_kappa_is_symmetric(given_pairs: list[Pair]) -> None:
    turned = [Pair(item.is_good, item.is_judged_good, item.score, item.weight) for item in given_pairs]
    one, other = kappa(weighted(given_pairs)), kappa(weighted(turned))
    assert one == (other if other is None else pytest.approx(other, abs=1e-9))


def test_intervals_are_the_same_on_every_run_and_hold_the_figure() -> None:
    dice = random.Random(3)
    many = [Pair(score > 0.5, dice.random() < score, score) for score in (dice.random() for _ in range(120))]
    found = figures(many, resamples=300, level=0.95, seed=1)
    assert found == figures(many, resamples=300, level=0.95, seed=1)
    for figure in found.values():
        assert figure.value is not None
        assert figure.interval is not None
        assert figure.interval.low < figure.value < figure.interval.high


def test_more_verdicts_make_a_narrower_interval() -> None:
    few, many = (figures(table(8 * n, 2 * n, 2 * n, 8 * n), resamples=300, level=0.95, seed=1)["kappa"].interval for n in (1, 16))
    assert few is not None
    assert many is not None
    assert many.high - many.low < (few.high - few.low) / 3


@pytest.mark.parametrize("cells", [(0, 0, 0, 0), (30, 0, 0, 0), (30, 0, 0, 1)])
def test_what_is_undefined_in_many_resamples_has_no_interval(cells: tuple[int, int, int, int]) -> None:
    """One bad episode among 31 is missing from a third of the resamples."""
    assert figures(table(*cells), resamples=200, level=0.95, seed=1)["kappa"].interval is None
