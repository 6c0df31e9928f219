"""Seeds of rules (rule, value) as typed Python: the numbers of a release that training goes by."""

from dataclasses import fields
from typing import Any, TypeVar

import duckdb

from lake.tell import Told

Rules = TypeVar("Rules")


def read_rules(connection: duckdb.DuckDBPyConnection, seed: str, kind: type[Rules]) -> Rules:
    """The seed of the release that the analysts' file shows, as `kind`: a dataclass of ints and floats named like the rules.

    Errors: `Told` when the release is older than the seed, or the seed lacks a rule.
    """
    try:
        found = dict(connection.execute(f"select rule, value from seeds.{seed}").fetchall())
    except duckdb.CatalogException as error:
        raise Told(f"this release has no seed {seed} yet: run `forge build` and `forge catalog`") from error
    wanted: Any = fields(kind)  # type: ignore[arg-type]
    missing = [field.name for field in wanted if field.name not in found]
    if missing:
        raise Told(f"dbt_project/seeds/{seed}.csv lacks the rule {', '.join(missing)}; add it and build again")
    return kind(**{field.name: int(found[field.name]) if field.type is int else found[field.name] for field in wanted})
