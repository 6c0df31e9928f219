"""How models see what the program recorded of itself: schema `ops` of the build's database, pinned when a build begins.

A table that nothing was ever written to is empty, so that a model may read of snapshots before there is one.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

from lake.duck import pinned
from lake.record_table import RecordTable
from lake.snapshot_tables import MEMBERS

SCHEMA = "ops"
TABLES = (MEMBERS,)


def _type_name(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "timestamp with time zone"
    return {pa.string(): "varchar", pa.int64(): "bigint", pa.bool_(): "boolean", pa.float64(): "double"}[kind]


def _rows(lake: Path, table: RecordTable, connection: duckdb.DuckDBPyConnection) -> str:
    """A query of the table's columns. One that an older program did not write is null."""
    version = table.version(lake)
    written: set[str] = set()
    relation = "(select 1) as nothing where false"
    if version is not None:
        relation = pinned(connection, lake / table.folder, version)
        written = {name for name, *_ in connection.execute(f"describe select * from {relation}").fetchall()}
    columns = (
        f'"{field.name}"' if field.name in written else f'cast(null as {_type_name(field.type)}) as "{field.name}"'
        for field in table.schema
    )
    return f"select {', '.join(columns)} from {relation}"


def show_record_table(lake: Path, table: RecordTable, connection: duckdb.DuckDBPyConnection) -> None:
    """The view `ops.<name>` of one table, at the version it has now; without rows while nothing was written to it."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    name = Path(table.folder).name
    connection.execute(f"create or replace view {SCHEMA}.{name} as {_rows(lake, table, connection)}")


def create_record_views(lake: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Schema `ops`: one view per table of `TABLES`. `connection` must know Delta."""
    for table in TABLES:
        show_record_table(lake, table, connection)
