"""Which files of a table hold given keys, found by reading nothing but the key columns."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from lake.model_files import column_bytes, quoted, read_files


@dataclass(frozen=True)
class Hit:
    """`files`: names of the files that hold a key. `bytes_read`: bytes of key columns (at most) it took to know."""

    files: list[str]
    bytes_read: int


def live_files(table: DeltaTable) -> dict[str, int]:
    """The files of the table's loaded version: name → rows."""
    actions = pa.table(table.get_add_actions(flatten=True))
    return dict(zip(actions["path"].to_pylist(), actions["num_records"].to_pylist(), strict=True))


def same_key(left: str, right: str, key: list[str]) -> str:
    """Join condition over key columns, which may be null."""
    return " and ".join(f'{left}."{name}" is not distinct from {right}."{name}"' for name in key)


def files_with_keys(connection: duckdb.DuckDBPyConnection, folder: Path, names: list[str], keys: str, columns: list[str]) -> Hit:
    """Those of a table's files (`names` in `folder`) that hold a key of the query or relation `keys`, which has `columns`."""
    if not names or not connection.execute(f"select 1 from {keys} limit 1").fetchone():
        return Hit([], 0)
    found = connection.execute(
        f"select distinct parse_filename(old.filename) from {read_files(folder, names, ', filename = true')} as old "
        f"semi join (select {quoted(columns)} from {keys}) as wanted on {same_key('old', 'wanted', columns)}"
    ).fetchall()
    return Hit(sorted(name for (name,) in found), column_bytes((folder / name for name in names), columns))
