"""Rows of raw tables → finished Parquet files in a work folder, row group by row group.

A finished file is linked into its table's folder later and never encoded again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lake.commits import COMPRESSION, COMPRESSION_LEVEL
from lake.tables import RAW_TABLES

Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class PartFile:
    """A finished Parquet file: the raw table it belongs to, where it is, how many rows it has."""

    table: str
    path: str
    rows: int


class PartWriter:
    """Collects rows by table and writes them to one file per table, named after `part`."""

    def __init__(self, folder: Path, part: str) -> None:
        self._folder = folder
        self._part = part
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._rows: dict[str, list[Row]] = {}
        self._counts: dict[str, int] = {}

    def add(self, table: str, rows: Sequence[Row]) -> None:
        """Keep rows (values in the order of the table's columns) for the next row group."""
        if rows:
            self._rows.setdefault(table, []).extend(rows)

    def flush(self) -> None:
        """Write what is kept as one row group per table."""
        for table, rows in self._rows.items():
            if not rows:
                continue
            schema = RAW_TABLES[table].file_schema
            arrays = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), schema.types, strict=True)]
            self._write(table, pa.Table.from_arrays(arrays, schema=schema))
            rows.clear()

    def write(self, table: str, columns: Mapping[str, pa.Array]) -> None:
        """Write columns (each of the table's, by name) as one row group now, for who has no rows to make columns of."""
        schema = RAW_TABLES[table].file_schema
        self._write(table, pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema))

    def _write(self, table: str, rows: pa.Table) -> None:
        if table not in self._writers:
            self._writers[table] = pq.ParquetWriter(
                self._path(table),
                rows.schema,
                compression=COMPRESSION,
                compression_level=COMPRESSION_LEVEL,
                use_dictionary=[name for name in rows.schema.names if name not in RAW_TABLES[table].rarely_repeated],
                write_statistics=list(RAW_TABLES[table].statistics),
            )
        self._writers[table].write_table(rows, row_group_size=rows.num_rows)
        self._counts[table] = self._counts.get(table, 0) + rows.num_rows

    def close(self) -> list[PartFile]:
        """Finish all files."""
        self.flush()
        for writer in self._writers.values():
            writer.close()
        return [PartFile(table, str(self._path(table)), count) for table, count in self._counts.items()]

    def _path(self, table: str) -> Path:
        return self._folder / f"{table}.{self._part}.parquet"
