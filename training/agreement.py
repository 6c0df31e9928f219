"""How far a judge agrees with people: Cohen's kappa, AUC and expected calibration error, with bootstrap intervals.

The point figures are also in the lake, computed by dbt_project/macros/agreement.sql; a test holds the two against each other. Only
the intervals need Python. Every pair has a weight: how many episodes it stands for (see `training.sample`).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

BINS = 10
UNDEFINED_SHARE = 0.05
"""Share of resamples in which a figure may be undefined before there is no interval."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One episode that the judge and people judged. `score`: 0 to 1, None when the judge gives none."""

    is_judged_good: bool
    is_good: bool
    score: float | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class Interval:
    """The middle `level` of a figure's bootstrap distribution."""

    low: float
    high: float


@dataclass(frozen=True)
class Figure:
    """A figure and its interval; None where they are not defined."""

    value: float | None
    interval: Interval | None


Figures = dict[str, Figure]
_Weighted = Sequence[tuple[Pair, float]]


def kappa(pairs: _Weighted) -> float | None:
    """Cohen's kappa: agreement beyond chance as a share of what is possible beyond chance, -1 to 1.

    Cohen (1960), "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20. None when judge and
    people use the same single class, or when there are no pairs: chance alone explains everything.
    """
    total = agreeing = judged_good = good = 0.0
    for pair, weight in pairs:
        total += weight
        agreeing += weight * (pair.is_judged_good == pair.is_good)
        judged_good += weight * pair.is_judged_good
        good += weight * pair.is_good
    if total == 0:
        return None
    chance = (judged_good * good + (total - judged_good) * (total - good)) / total**2
    # Both class shares are 0 or 1 exactly, not nearly: the sums of the same weights in the same order are equal.
    return None if (judged_good, good) in ((0.0, 0.0), (total, total)) else (agreeing / total - chance) / (1 - chance)


def auc(pairs: _Weighted) -> float | None:
    """Area under the ROC curve: the chance that a good episode has a higher score than a bad one; equal scores count half.

    Hanley and McNeil (1982), "The meaning and use of the area under a receiver operating characteristic curve", Radiology 143: it
    is the Mann-Whitney statistic. None when people see one class only. Pairs without a score are left out.
    """
    scored = sorted(((pair.score, pair.is_good, weight) for pair, weight in pairs if pair.score is not None), key=lambda p: p[0])
    below = wins = good_total = 0.0
    position = 0
    while position < len(scored):
        score = scored[position][0]
        good = bad = 0.0
        while position < len(scored) and scored[position][0] == score:
            if scored[position][1]:
                good += scored[position][2]
            else:
                bad += scored[position][2]
            position += 1
        wins += good * (below + bad / 2)
        below += bad
        good_total += good
    return None if good_total == 0 or below == 0 else wins / (good_total * below)


def calibration_error(pairs: _Weighted) -> float | None:
    """Expected calibration error, 0 to 1: mean distance between score and share of good episodes over ten bins of equal width.

    Naeini, Cooper and Hauskrecht (2015), "Obtaining well calibrated probabilities using Bayesian binning", AAAI. None without
    scores.
    """
    gaps = [0.0] * BINS
    total = 0.0
    for pair, weight in pairs:
        if pair.score is not None:
            gaps[min(int(pair.score * BINS), BINS - 1)] += weight * (pair.score - pair.is_good)
            total += weight
    return None if total == 0 else sum(map(abs, gaps)) / total


FIGURES: dict[str, Callable[[_Weighted], float | None]] = {"kappa": kappa, "auc": auc, "calibration_error": calibration_error}


def figures(pairs: Sequence[Pair], *, resamples: int, level: float, seed: int) -> Figures:
    """Every figure with its interval.

    `resamples`: how often as many pairs as there are are drawn anew with replacement. `level`: e.g. 0.95. The same arguments give
    the same intervals on any machine. Percentile intervals: Efron and Tibshirani (1993), "An introduction to the bootstrap", 13.
    """
    whole = [(pair, pair.weight) for pair in pairs]
    drawn: dict[str, list[float]] = {name: [] for name in FIGURES}
    dice = random.Random(seed)  # noqa: S311 - resampling, no secret
    for _ in range(resamples if pairs else 0):
        counts = [0] * len(pairs)
        for index in dice.choices(range(len(pairs)), k=len(pairs)):
            counts[index] += 1
        sample = [(pair, weight * count) for (pair, weight), count in zip(whole, counts, strict=True) if count]
        for name, figure in FIGURES.items():
            if (value := figure(sample)) is not None:
                drawn[name].append(value)
    return {name: Figure(figure(whole), _interval(drawn[name], resamples, level)) for name, figure in FIGURES.items()}


def _interval(values: list[float], resamples: int, level: float) -> Interval | None:
    """The percentile interval; None when the figure was undefined too often to say."""
    if not values or len(values) < resamples * (1 - UNDEFINED_SHARE):
        return None
    ordered = sorted(values)
    return Interval(_quantile(ordered, (1 - level) / 2), _quantile(ordered, (1 + level) / 2))


def _quantile(ordered: list[float], share: float) -> float:
    """Linear interpolation between the closest ranks."""
    place = share * (len(ordered) - 1)
    lower = int(place)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (ordered[upper] - ordered[lower]) * (place - lower)
