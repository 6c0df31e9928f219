"""Reads few columns of a raw table without an engine: the loaders' look into what the lake already has.

Files are left out by their statistics, so that a stream's look-up does not read every other stream's files. Data files are read
with Arrow's own file system; the one that deltalake offers calls back into Python from threads that may outlive the interpreter.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.location import raw_path
from lake.tables import RAW_TABLES, SEQUENCE, open_raw


def scan_keys(root: Path, name: str, columns: list[str], equal: dict[str, str], where: pc.Expression | None = None) -> pa.Table:
    """Rows of raw table `name` whose columns have the values of `equal` (and for which `where` holds), with `load_seq` last.

    `columns`: the columns to give back; `where` may speak of others.
    """
    schema = RAW_TABLES[name].file_schema
    condition = where
    for column, value in equal.items():
        same = pc.field(column) == value
        condition = same if condition is None else condition & same
    tables: list[pa.Table] = []
    actions = pa.table(open_raw(root, name).get_add_actions(flatten=True)).to_pylist()
    for action in sorted(actions, key=lambda action: (int(action[f"partition.{SEQUENCE}"]), str(action["path"]))):
        if _excluded(action, equal):
            continue
        found = pq.read_table(raw_path(root, name) / action["path"], columns=columns, filters=condition, schema=schema)
        if found.num_rows:
            sequence = pa.repeat(pa.scalar(int(action[f"partition.{SEQUENCE}"]), pa.int64()), found.num_rows)
            tables.append(found.append_column(SEQUENCE, sequence))
    empty = pa.schema([*(schema.field(column) for column in columns), pa.field(SEQUENCE, pa.int64())]).empty_table()
    return pa.concat_tables([empty, *tables])


def _excluded(action: dict[str, Any], equal: dict[str, str]) -> bool:
    """Whether a file's statistics say that it holds none of the wanted values."""
    for column, value in equal.items():
        low, high = action.get(f"min.{column}"), action.get(f"max.{column}")
        if low is not None and high is not None and not low <= value <= high:
            return True
    return False
