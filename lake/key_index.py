"""Which files of a table hold given keys, found by reading nothing but the key columns of files that could."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from lake.model_files import column_sizes, quoted, read_files


@dataclass(frozen=True)
class Hit:
    """`files`: names of the files that hold a key. `bytes_read`: bytes of key columns (at most) it took to know."""

    files: list[str]
    bytes_read: int


@dataclass(frozen=True)
class TableFiles:
    """The files of one version of a table: their rows, and the range of each column that has statistics."""

    folder: Path
    actions: pa.Table

    @classmethod
    def of(cls, folder: Path, version: int | None = None) -> "TableFiles":
        """Read them from the Delta log; without a version, of the newest."""
        return cls(folder, pa.table(DeltaTable(str(folder), version=version).get_add_actions(flatten=True)))

    @cached_property
    def rows(self) -> dict[str, int]:
        """name → rows."""
        return dict(zip(self.actions["path"].to_pylist(), self.actions["num_records"].to_pylist(), strict=True))

    def in_range(self, column: str, values: Iterable[object]) -> list[str]:
        """Files whose smallest and largest `column` leave room for one of `values`; all files when the log does not say."""
        if f"min.{column}" not in self.actions.column_names:
            return sorted(self.rows)
        wanted = sorted(value for value in values if isinstance(value, str))
        found: list[str] = []
        ranges = (self.actions[name].to_pylist() for name in ("path", f"min.{column}", f"max.{column}"))
        for name, low, high in zip(*ranges, strict=True):
            place = 0 if low is None or high is None else bisect_left(wanted, low)
            if low is None or high is None or (place < len(wanted) and wanted[place] <= high):
                found.append(name)
        return sorted(found)


@dataclass
class KnownFiles:
    """The table versions one build has looked at: a version never changes, so its log is read once."""

    seen: dict[tuple[Path, int], TableFiles] = field(default_factory=dict)

    def at(self, folder: Path, version: int) -> TableFiles:
        """The files of a version."""
        if (folder, version) not in self.seen:
            self.seen[folder, version] = TableFiles.of(folder, version)
        return self.seen[folder, version]


def same_key(left: str, right: str, key: list[str]) -> str:
    """Join condition over key columns, which may be null."""
    return " and ".join(f'{left}."{name}" is not distinct from {right}."{name}"' for name in key)


def files_with_keys(connection: duckdb.DuckDBPyConnection, table: TableFiles, keys: str, columns: list[str]) -> Hit:
    """Those of a table's files that hold a key of the query or relation `keys`, which has `columns`.

    Files are left out by the first key column's range in the Delta log; keys that begin with their town make that count.
    """
    first = columns[0]
    values = connection.execute(f'select distinct "{first}" from {keys}').fetchall()
    plain = all(isinstance(value, str) for (value,) in values)
    names = table.in_range(first, (value for (value,) in values)) if plain else sorted(table.rows)
    if not names or not values:
        return Hit([], 0)
    found = connection.execute(
        f"select distinct parse_filename(old.filename) from {read_files(table.folder, names, ', filename = true')} as old "
        f"semi join (select {quoted(columns)} from {keys}) as wanted on {same_key('old', 'wanted', columns)}"
    ).fetchall()
    return Hit(sorted(name for (name,) in found), sum(column_sizes(table.folder / name, columns) for name in names))
