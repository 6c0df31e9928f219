"""Small append-only Delta tables of what the program did: releases, snapshots, pulls, training runs, adapters.

One append is one Delta commit, so its rows are there together or not at all. Nothing is ever changed: what holds now is the
newest row of a thing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema

from lake.commits import COMPRESSION, COMPRESSION_LEVEL, add_file, commit
from lake.key_index import TableFiles
from lake.tables import properties


@dataclass(frozen=True)
class RecordTable:
    """One such table. `folder`: below the lake, e.g. `ops/releases`. `columns`: name → (type, meaning). `statistics`: id and time
    columns whose range goes into the Delta log; never a text."""

    folder: str
    description: str
    columns: Mapping[str, tuple[pa.DataType, str]]
    statistics: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        """Names and types, in order."""
        return pa.schema([(name, kind) for name, (kind, _) in self.columns.items()])

    def exists(self, lake: Path) -> bool:
        """Whether anything was ever written."""
        return DeltaTable.is_deltatable(str(lake / self.folder))

    def version(self, lake: Path) -> int | None:
        """The newest Delta version; None when nothing was ever written."""
        return DeltaTable(str(lake / self.folder)).version() if self.exists(lake) else None

    def files(self, lake: Path) -> list[Path]:
        """Its data files, one per append. None when nothing was ever written."""
        if not self.exists(lake):
            return []
        # By the log's own names: the URIs that deltalake gives are percent-encoded and no paths.
        return [lake / self.folder / name for name in sorted(TableFiles.of(lake / self.folder).rows)]

    def rows(self, lake: Path) -> Iterator[dict[str, Any]]:
        """All rows, in no particular order, file by file; none when nothing was ever written."""
        # Read through the files themselves: a handful of rows, and the same on every engine. Columns that an older program did
        # not know are null.
        for path in self.files(lake):
            yield from pq.read_table(path, schema=self.schema).to_pylist()

    def append(self, lake: Path, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write `rows` (column → value) as one commit. Errors: `KeyError` when a row names a column the table does not have."""
        for row in rows:
            if unknown := sorted(row.keys() - self.columns.keys()):
                raise KeyError(f"{self.folder} has no column {', '.join(unknown)}")
        path = lake / self.folder
        path.mkdir(parents=True, exist_ok=True)
        if not self.exists(lake):
            DeltaTable.create(
                str(path),
                schema=Schema.from_arrow(self.schema),
                mode="ignore",
                name=self.folder.replace("/", "."),
                description=self.description,
                configuration=properties(self.statistics),
            )
        name = f"{path.name}-{uuid4().hex}.parquet"
        table = pa.Table.from_pylist([dict(row) for row in rows], schema=self.schema)
        pq.write_table(table, path / name, compression=COMPRESSION, compression_level=COMPRESSION_LEVEL)
        commit(DeltaTable(str(path)), [add_file(path, name, self.statistics)])
