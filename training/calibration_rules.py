"""The seed `calibration_rules` of a release: how much people judge, and how well the scores must agree with them."""

from dataclasses import dataclass, fields

import duckdb

from lake.tell import Told


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
    try:
        found = dict(connection.execute("select rule, value from seeds.calibration_rules").fetchall())
    except duckdb.CatalogException as error:
        raise Told("this release knows no calibration yet: run `forge build` and `forge catalog`") from error
    missing = [field.name for field in fields(CalibrationRules) if field.name not in found]
    if missing:
        raise Told(f"dbt_project/seeds/calibration_rules.csv lacks the rule {', '.join(missing)}; add it and build again")
    return CalibrationRules(
        **{field.name: int(found[field.name]) if field.type is int else found[field.name] for field in fields(CalibrationRules)}
    )
