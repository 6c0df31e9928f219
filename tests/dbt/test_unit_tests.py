"""The models' unit tests: literal rows in, literal rows out."""

import json

import pytest

from tests.dbt.conftest import TownsLake
from tests.dbt.projects import REAL, dbt

pytestmark = pytest.mark.slow


def test_every_unit_test_of_the_models_passes(towns_lake: TownsLake) -> None:
    target = towns_lake.folder / "unit-tests"
    wanted = ("--select", "test_type:unit")
    done = dbt(REAL, towns_lake.lake, "test", *wanted, DBT_TARGET_PATH=str(target), DBT_EXCLUDE_RESOURCE_TYPES="")
    assert done.exit_code == 0, done.output
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    statuses = {result["unique_id"]: result["status"] for result in results if result["unique_id"].startswith("unit_test.")}
    assert statuses
    assert {name: status for name, status in statuses.items() if status != "pass"} == {}
