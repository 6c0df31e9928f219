"""One lake of synthetic towns for all tests that compare models with what simtown knows: built once a run, only read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.run import run_ingest
from lake.duck import load_delta
from lake.governance import ENVIRONMENT as GOVERNANCE
from simtown import Truth, generate
from tests.dbt.projects import REAL, dbt


@dataclass(frozen=True)
class TownsLake:
    """Demo towns with row versions of merge requests, all models built from their files, and the truth about them."""

    truth: Truth
    lake: Path
    folder: Path
    connection: duckdb.DuckDBPyConnection

    @property
    def policy(self) -> dict[str, str]:
        """What dbt must find in the environment to build these towns with their own governance.yaml."""
        return {GOVERNANCE: str(self.folder / "world/governance.yaml")}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Answer of a query over the models, each by its own name."""
        return self.connection.execute(sql).fetchall()

    def compiled(self, inline: str) -> str:
        """The SQL that a dbt template becomes in this lake; a model or seed stands in it by its own name."""
        done = dbt(REAL, self.lake, "compile", "--quiet", "--inline", inline, DBT_TARGET_PATH=str(self.folder / "target"))
        assert done.exit_code == 0, done.output
        return re.sub(r'"[^".]+"[.]"[^".]+"[.]("[^".]+")', r"\1", done.output)


@pytest.fixture(scope="session")
def towns_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TownsLake]:
    """The lake. Its models are built without their tests, so nothing is published; takes about a minute."""
    folder = tmp_path_factory.mktemp("towns")
    truth = generate(folder / "world", with_dolt_dump=True)
    lake = folder / "lake"
    report = run_ingest(folder / "world/towns.yaml", lake, progress=False)
    assert report.exit_code == 0, report.lines()
    target = str(folder / "target")
    policy = str(folder / "world/governance.yaml")
    built = dbt(REAL, lake, "build", "--exclude-resource-type", "test", "unit_test", DBT_TARGET_PATH=target, **{GOVERNANCE: policy})
    assert built.exit_code == 0, built.output
    with duckdb.connect() as connection:
        load_delta(connection)
        for table in sorted((lake / "models").iterdir()):
            connection.execute(f"create view \"{table.name}\" as select * from delta_scan('{table}')")
        for seed in sorted((REAL / "seeds").glob("*.csv")):
            connection.execute(f"create view \"{seed.stem}\" as select * from read_csv('{seed}')")
        yield TownsLake(truth, lake, folder, connection)
