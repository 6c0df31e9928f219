"""What `forge report` and `forge status` ask: views of one release, and the lake's ops tables as they are today."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from lake.catalog import show_release
from lake.duck import memory
from lake.record_table import RecordTable
from lake.releases import Release
from lake.snapshot_tables import MEMBERS, PULLS, SNAPSHOTS


@contextmanager
def release_connection(lake: Path, release: Release) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to views of exactly this release, whatever the analysts' file shows, and of the lake's ops tables today."""
    with memory() as connection:
        show_release(connection, lake, release)
        for table in (SNAPSHOTS, MEMBERS, PULLS):
            show_ops_table(connection, lake, table)
        yield connection


def show_ops_table(connection: duckdb.DuckDBPyConnection, lake: Path, table: RecordTable) -> None:
    """Make an ops table known under its name, e.g. `ops.snapshots`; without rows while the lake has none yet."""
    name = table.folder.replace("/", ".")
    connection.execute(f"drop view if exists {name}")
    if table.exists(lake):
        path = str(lake / table.folder).replace("'", "''")
        connection.execute(f"create view {name} as select * from delta_scan('{path}')")
    else:
        empty = table.schema.empty_table()  # noqa: F841 - read by the next statement
        connection.execute(f"create table {name} as select * from empty")
