"""`forge report` over a lake of synthetic towns: every query knows its tables, and the road's steps follow each other."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from lake.duck import load_delta
from lake.named_queries import Rows, read_answers
from lake.record_views import show_record_table
from lake.report import QUERIES, STAGES, report_page
from lake.report_charts import Stage, stage
from lake.snapshot_tables import MEMBERS, PULLS, SNAPSHOTS
from lake.status_learning import QUERIES as STATUS_QUERIES
from tests.dbt.conftest import TownsLake
from tests.dbt.projects import REAL
from tests.lake.report_world import RELEASE

pytestmark = pytest.mark.slow


RELATION = re.compile(r'"[^".]+"[.]"([^".]+)"[.]"([^".]+)"')


def create_view(connection: duckdb.DuckDBPyConnection, compiled: Path, name: str) -> None:
    """Make a model that is a view known, after the views that it reads."""
    sql = next(compiled.rglob(f"{name}.sql")).read_text(encoding="utf-8")
    for schema, parent in RELATION.findall(sql):
        if not connection.execute(f"select 1 from duckdb_views() where view_name = '{parent}'").fetchall():
            assert schema in ("main", "intermediate")
            create_view(connection, compiled, parent)
    schema = "intermediate" if name.startswith("int_") else "main"
    connection.execute(f"create view {schema}.{name} as {RELATION.sub(lambda found: f'{found[1]}.{found[2]}', sql)}")


@pytest.fixture(scope="module")
def connection(towns_lake: TownsLake) -> Iterator[duckdb.DuckDBPyConnection]:
    """Views of the lake's tables under the schemas that a release gives them."""
    with duckdb.connect() as connection:
        load_delta(connection)
        for schema in ("raw", "seeds", "intermediate", "ops"):
            connection.execute(f"create schema {schema}")
        for table in sorted((towns_lake.lake / "models").iterdir()):
            schema = "intermediate" if table.name.startswith("int_") else "main"
            connection.execute(f"create view {schema}.\"{table.name}\" as select * from delta_scan('{table}')")
        for seed in sorted((REAL / "seeds").glob("*.csv")):
            connection.execute(f"create view seeds.\"{seed.stem}\" as select * from read_csv('{seed}')")
        for table in sorted((towns_lake.lake / "raw").iterdir()):
            connection.execute(f"create view raw.\"{table.name}\" as select * from delta_scan('{table}')")
        for record_table in (SNAPSHOTS, MEMBERS, PULLS):
            show_record_table(towns_lake.lake, record_table, connection)
        create_view(connection, towns_lake.folder / "target/compiled", "snapshot_rows")
        yield connection


@pytest.fixture(scope="module")
def answers(connection: duckdb.DuckDBPyConnection) -> dict[str, Rows | None]:
    return read_answers(connection, QUERIES)


def road(answers: dict[str, Rows | None]) -> dict[str, Stage]:
    return {name: step for _, name, _ in STAGES if (step := stage(name, answers[name])) is not None}


def test_every_query_is_answered(answers: dict[str, Rows | None], connection: duckdb.DuckDBPyConnection) -> None:
    assert [name for name, rows in answers.items() if rows is None] == []
    assert [name for name, rows in read_answers(connection, STATUS_QUERIES).items() if rows is None] == []


def test_the_road_begins_and_ends_with_what_the_tables_hold(towns_lake: TownsLake, answers: dict[str, Rows | None]) -> None:
    def count(sql: str) -> int:
        return int(towns_lake.rows(f"select count(*) from {sql}")[0][0])

    steps = road(answers)
    assert len(steps) == len(STAGES)
    assert steps["funnel_sessions"].total == count("dim_sessions")
    assert steps["funnel_sessions"].kept == count("(select distinct session_key from fct_episodes)")
    assert steps["funnel_candidates"].total == count("fct_episodes")
    assert steps["funnel_kept"].total == steps["funnel_candidates"].kept == count("int_episode_candidates where is_candidate")
    assert steps["funnel_kept"].kept == count("fct_selection where is_kept")
    assert steps["funnel_bases"].total == steps["funnel_overlays"].total == steps["funnel_examples"].kept > 0
    assert all(reason and number > 0 for step in steps.values() for reason, number in step.losses)


def test_charts_count_the_same_episodes_and_examples(answers: dict[str, Rows | None]) -> None:
    steps = road(answers)

    def total(name: str, column: str) -> int:
        return sum(row[column] for row in answers[name] or [])

    assert total("exclusions", "count") == total("links", "count") == total("outcomes", "count") == steps["funnel_candidates"].total
    assert total("startups", "kept") == steps["funnel_kept"].kept
    assert total("tokens", "examples") == steps["funnel_examples"].kept
    assert total("splits", "examples") == steps["funnel_bases"].kept + steps["funnel_overlays"].kept


def test_the_page_is_written(answers: dict[str, Rows | None]) -> None:
    page = report_page(RELEASE, answers)
    assert page.count("<section") == 10
    assert 'class="empty"' not in page.partition('id="snapshots"')[0]
