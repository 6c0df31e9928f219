"""What training asks before it learns from a role's scores: do they agree with people?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from training.agreement import Figure, Figures, Pair, figures
from training.calibration_rules import CalibrationRules, read_rules

_PAIRS = """
select is_accepted, is_good, rank_score, weight
from fct_calibration_pairs
where role_family = $1 and is_good is not null
order by episode_key
"""


@dataclass(frozen=True)
class Gate:
    """The answer for a role. `verdict_count`: episodes that people decided. `kappa`: of the scores against people."""

    role: str
    cycle: int
    is_open: bool
    reason: str
    verdict_count: int
    kappa: Figure


def read_pairs(connection: duckdb.DuckDBPyConnection, role: str) -> list[Pair]:
    """The episodes of a trained role on which people agree, with the release's gate and score."""
    return [Pair(*row) for row in connection.execute(_PAIRS, [role]).fetchall()]


def measure(pairs: Sequence[Pair], rules: CalibrationRules) -> Figures:
    """The figures of agreement with intervals as the rules want them."""
    return figures(pairs, resamples=rules.resamples, level=rules.interval_level, seed=rules.sample_seed)


def calibration_gate(connection: duckdb.DuckDBPyConnection, role: str, cycle: int) -> Gate:
    """Whether the scores of a trained role may be learned from in its training cycle `cycle` (from 1).

    In its first cycles the lower bound of kappa's interval must exceed the rule `gate_kappa`; later the gate is open. `connection`:
    the analysts' file, so the answer belongs to one release. Raises `Told` when that release knows no calibration.
    """
    rules = read_rules(connection)
    pairs = read_pairs(connection, role)
    return decide(role, cycle, len(pairs), measure(pairs, rules)["kappa"], rules)


def decide(role: str, cycle: int, verdict_count: int, kappa: Figure, rules: CalibrationRules) -> Gate:
    """The gate's decision, with its reason in words."""
    wanted = f"the lower bound of kappa must exceed {rules.gate_kappa:g}"
    if cycle > rules.gated_cycles:
        is_open, reason = True, f"asked in a role's first {rules.gated_cycles} cycles only"
    elif verdict_count < rules.minimum_verdicts:
        is_open, reason = False, f"people decided {verdict_count} episodes, {rules.minimum_verdicts} are needed"
    elif kappa.interval is None:
        is_open, reason = False, f"{wanted}, and kappa is not defined: nearly all verdicts are the same"
    else:
        is_open = kappa.interval.low > rules.gate_kappa
        # Rounded towards refusal: a bound that is shown shall not look better than it is.
        low = math.floor(kappa.interval.low * 1000) / 1000
        reason = f"{wanted}, and is {low:.3f}"
    return Gate(role, cycle, is_open, reason, verdict_count, kappa)
