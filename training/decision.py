"""Whether a challenger takes over: a paired bootstrap over groups, against everything it must beat, with guards.

Compared are only rows of groups that none of the compared, nor what they were trained on top of, has seen in training. The figure
is the loss per target token; a group is drawn with all its rows, because rows of a group are not independent. The challenger wins
against an opponent when the whole interval of its loss minus the opponent's lies below zero; it takes over when it wins against all
of them and no guard regresses. The bootstrap: Efron and Tibshirani (1993), "An Introduction to the Bootstrap", chapters 8 and 16.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.evaluation_table import Evaluation

Outcome = Literal["promote", "keep", "not_enough_eval"]


@dataclass(frozen=True)
class PromotionRules:
    """The seed `promotion_rules` by name; what each means stands in dbt_project/seeds/promotion_rules.csv."""

    minimum_eval_groups: int
    interval_level: float
    resamples: int
    bootstrap_seed: int
    accuracy_margin: float
    tool_format_margin: float
    verb_margin: float


@dataclass(frozen=True)
class Comparison:
    """The challenger against one opponent, on the rows that both have. Losses are nats per target token; differences are the
    challenger's minus the opponent's; `regressed`: names of the guards that fell by more than their margin."""

    opponent: str
    group_count: int
    row_count: int
    target_tokens: int
    challenger_loss: float
    opponent_loss: float
    loss_difference: float
    low: float
    high: float
    accuracy_difference: float
    tool_format_difference: float | None
    verb_difference: float | None
    regressed: tuple[str, ...]

    @property
    def is_won(self) -> bool:
        """Whether the challenger's loss is lower, and surely so."""
        return self.high < 0


@dataclass(frozen=True)
class Judgement:
    """What follows from the comparisons. `excluded_group_count`: groups left out because one of the compared had seen them."""

    outcome: Outcome
    reason: str
    eval_group_count: int
    excluded_group_count: int
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True)
class Seen:
    """What the compared adapters and their parents saw in training: keys of episodes and of groups."""

    episode_keys: frozenset[str] = frozenset()
    group_keys: frozenset[str] = frozenset()


def judge(
    challenger: Sequence[Evaluation], opponents: Mapping[str, Sequence[Evaluation]], seen: Seen, rules: PromotionRules
) -> Judgement:
    """Judge a challenger's rows against those of each opponent (name → rows). Rows of the split `test` never count.

    Errors: `ValueError` when there is no opponent: then nothing could be won.
    """
    if not opponents:
        raise ValueError("a challenger needs an opponent: the model itself, its parent or the champion")
    ours = [row for row in challenger if row.split != "test" and row.target_tokens > 0]
    # A group is out when any row of it is: its rows are alike.
    out = {row.group_key for row in ours if row.episode_key in seen.episode_keys} | (seen.group_keys & {r.group_key for r in ours})
    kept = [row for row in ours if row.group_key not in out]
    comparisons = []
    counted = {row.group_key for row in kept}
    for name, rows in opponents.items():
        theirs = {(row.snapshot_id, row.scope, row.example_key): row for row in rows}
        pairs = [(row, theirs[key]) for row in kept if (key := (row.snapshot_id, row.scope, row.example_key)) in theirs]
        counted &= {row.group_key for row, _ in pairs}
        if pairs:
            comparisons.append(_compare(name, pairs, rules))
    outcome, reason = _conclude(comparisons, len(opponents), len(counted), rules)
    return Judgement(outcome, reason, len(counted), len(out), tuple(comparisons))


def _conclude(
    comparisons: Sequence[Comparison], opponent_count: int, group_count: int, rules: PromotionRules
) -> tuple[Outcome, str]:
    if group_count < rules.minimum_eval_groups or len(comparisons) < opponent_count:
        return (
            "not_enough_eval",
            f"{group_count} groups that nobody compared has trained on; {rules.minimum_eval_groups} are needed",
        )
    for comparison in comparisons:
        difference = f"{comparison.loss_difference:+.4f} nats a token ({comparison.low:+.4f} to {comparison.high:+.4f})"
        if not comparison.is_won:
            return "keep", f"no sure win against {comparison.opponent}: {difference}"
        if comparison.regressed:
            return "keep", f"against {comparison.opponent} it regressed in {', '.join(comparison.regressed)}"
    closest = max(comparisons, key=lambda comparison: comparison.high)
    return (
        "promote",
        f"won against {', '.join(c.opponent for c in comparisons)}; closest to {closest.opponent}: {closest.loss_difference:+.4f}",
    )


def _compare(opponent: str, pairs: Sequence[tuple[Evaluation, Evaluation]], rules: PromotionRules) -> Comparison:
    groups = sorted({ours.group_key for ours, _ in pairs})
    place = {group: number for number, group in enumerate(groups)}
    tokens, ours_lost, theirs_lost = (np.zeros(len(groups)) for _ in range(3))
    for ours, theirs in pairs:
        tokens[place[ours.group_key]] += ours.target_tokens
        ours_lost[place[ours.group_key]] += ours.loss
        theirs_lost[place[ours.group_key]] += theirs.loss
    low, high = _interval(ours_lost - theirs_lost, tokens, rules)
    accuracy = _share(pairs, 0, "correct_tokens", "target_tokens"), _share(pairs, 1, "correct_tokens", "target_tokens")
    formed = _share(pairs, 0, "wellformed_turns", "generated_turns"), _share(pairs, 1, "wellformed_turns", "generated_turns")
    verbs = _share(pairs, 0, "valid_verbs", "generated_verbs"), _share(pairs, 1, "valid_verbs", "generated_verbs")
    differences = {"token accuracy": _less(*accuracy), "tool call format": _less(*formed), "verbs": _less(*verbs)}
    margins = {"token accuracy": rules.accuracy_margin, "tool call format": rules.tool_format_margin, "verbs": rules.verb_margin}
    regressed = tuple(name for name, value in differences.items() if value is not None and value < -margins[name])
    return Comparison(
        opponent=opponent,
        group_count=len(groups),
        row_count=len(pairs),
        target_tokens=int(tokens.sum()),
        challenger_loss=float(ours_lost.sum() / tokens.sum()),
        opponent_loss=float(theirs_lost.sum() / tokens.sum()),
        loss_difference=float((ours_lost - theirs_lost).sum() / tokens.sum()),
        low=low,
        high=high,
        accuracy_difference=differences["token accuracy"] or 0.0,
        tool_format_difference=differences["tool call format"],
        verb_difference=differences["verbs"],
        regressed=regressed,
    )


def _interval(
    differences: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    tokens: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    rules: PromotionRules,
) -> tuple[float, float]:
    """The middle `interval_level` of Σ difference / Σ tokens over groups drawn with replacement (percentile interval)."""
    generator = np.random.default_rng(rules.bootstrap_seed)
    count = len(tokens)
    drawn = np.empty(rules.resamples)
    for number in range(rules.resamples):
        picked = generator.integers(0, count, count)
        drawn[number] = differences[picked].sum() / tokens[picked].sum()
    tail = (1 - rules.interval_level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def _share(pairs: Sequence[tuple[Evaluation, Evaluation]], side: int, part: str, whole: str) -> float | None:
    total = sum(getattr(pair[side], whole) for pair in pairs)
    return sum(getattr(pair[side], part) for pair in pairs) / total if total else None


def _less(ours: float | None, theirs: float | None) -> float | None:
    """Ours minus theirs; without a sample of ours what theirs has counts as lost."""
    if theirs is None:
        return None
    return (ours or 0.0) - theirs
