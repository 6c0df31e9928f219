"""What `forge report` shows: the answers of the queries in `report_queries.sql` over one release and the lake's ops tables."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from lake.catalog import write_catalog
from lake.duck import load_delta
from lake.record_table import RecordTable
from lake.releases import Release
from lake.snapshot_tables import MEMBERS, PULLS, SNAPSHOTS

QUERIES = Path(__file__).with_name("report_queries.sql")

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class ReportQuery:
    """One query. `needs`: relations, `schema.name`, without which it cannot be asked."""

    name: str
    needs: tuple[str, ...]
    sql: str


def report_queries() -> list[ReportQuery]:
    """The queries, in the file's order."""
    text = QUERIES.read_text(encoding="utf-8")
    blocks = re.findall(r"^-- name: (\w+)\n-- needs: (.+)\n((?:.+\n|\n(?!-- name))+)", text, flags=re.MULTILINE)
    return [ReportQuery(name, tuple(needs.split()), sql.strip().rstrip(";")) for name, needs, sql in blocks]


def read_answers(connection: duckdb.DuckDBPyConnection) -> dict[str, Rows | None]:
    """Query name → rows as dictionaries; None for a query whose relations are not all there."""
    there = {
        f"{schema}.{name}"
        for schema, name in connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
    }
    return {query.name: _rows(connection, query.sql) if set(query.needs) <= there else None for query in report_queries()}


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    result = connection.execute(sql)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@contextmanager
def release_connection(lake: Path, release: Release) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to views of exactly this release, whatever the analysts' file shows, and of the lake's ops tables today."""
    with TemporaryDirectory(prefix="forge-report-") as folder:
        path = write_catalog(lake, release=release.release_id, path=Path(folder) / "release.duckdb")
        with duckdb.connect(str(path)) as connection:
            load_delta(connection)
            for table in (SNAPSHOTS, MEMBERS, PULLS):
                show_ops_table(connection, lake, table)
            yield connection


def show_ops_table(connection: duckdb.DuckDBPyConnection, lake: Path, table: RecordTable) -> None:
    """Make an ops table known under its name, e.g. `ops.snapshots`; without rows while the lake has none yet."""
    name = table.folder.replace("/", ".")
    if table.exists(lake):
        path = str(lake / table.folder).replace("'", "''")
        connection.execute(f"create or replace view {name} as select * from delta_scan('{path}')")
    else:
        empty = table.schema.empty_table()  # noqa: F841 - read by the next statement
        connection.execute(f"create or replace table {name} as select * from empty")
