"""The seed `calibration_rules` of a release: how much people judge, and how well the scores must agree with them."""

from dataclasses import dataclass

import duckdb

from training import seed_rules


@dataclass(frozen=True)
class CalibrationRules:
    """The rules by name; what each means stands in dbt_project/seeds/calibration_rules.csv."""

    gate_kappa: float
    gated_cycles: int
    minimum_verdicts: int
    interval_level: float
    resamples: int
    sample_size: int
    disputed_share: float
    sample_seed: int


def read_rules(connection: duckdb.DuckDBPyConnection) -> CalibrationRules:
    """The rules of the release that the analysts' file shows. Errors: `Told` when it is older than calibration, or lacks a rule."""
    return seed_rules.read_rules(connection, "calibration_rules", CalibrationRules)
