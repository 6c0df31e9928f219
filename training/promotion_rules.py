"""The seed `promotion_rules`: of the newest release, else of the tree (a machine that only trains has no release)."""

import csv
from dataclasses import fields
from pathlib import Path
from typing import Any

from lake.duck import NoCatalogError, connect
from training import seed_rules
from training.decision import PromotionRules

SEED = Path(__file__).resolve().parent.parent / "dbt_project" / "seeds" / "promotion_rules.csv"


def promotion_rules(lake: Path) -> PromotionRules:
    """The rules in force. Errors: `Told` when the release lacks a rule."""
    try:
        with connect(lake) as connection:
            return seed_rules.read_rules(connection, "promotion_rules", PromotionRules)
    except NoCatalogError:
        return rules_of_the_tree()


def rules_of_the_tree() -> PromotionRules:
    """The rules as the tree's seed has them."""
    with SEED.open(encoding="utf-8", newline="") as file:
        values: dict[str, Any] = {row["rule"]: float(row["value"]) for row in csv.DictReader(file)}
    return PromotionRules(**{each.name: _as_typed(each.type, values[each.name]) for each in fields(PromotionRules)})


def _as_typed(kind: Any, value: float) -> Any:
    return int(value) if kind is int else value
