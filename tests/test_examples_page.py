"""docs/examples.md shows an example as the lake holds it, and every reason there is."""

import csv
import json
import re
from pathlib import Path

from tests.dbt.golden_lake import expected

TREE = Path(__file__).parents[1]
PAGE = (TREE / "docs/examples.md").read_text(encoding="utf-8")


def test_the_example_shown_is_the_first_of_those_written_by_hand() -> None:
    block = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    assert [json.loads(line) for line in block[1].splitlines()] == expected().examples[0]["messages"]


def test_every_reason_why_a_turn_is_no_target_is_explained() -> None:
    with (TREE / "dbt_project/seeds/target_rules.csv").open(newline="") as file:
        reasons = {row["reason"] for row in csv.DictReader(file)}
    assert {reason for reason in reasons if f"`{reason}`" not in PAGE} == set()
