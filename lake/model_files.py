"""Writing a query's rows as bounded Parquet files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lake.commits import COMPRESSION, COMPRESSION_LEVEL

# A row group is held in memory while it is written; rows of transcripts are some KB each.
GROUP_ROWS = 16_384
GROUP_BYTES = 128 * 2**20


@dataclass(frozen=True)
class WrittenFile:
    """One finished data file: its name in the table's folder and how many rows it holds."""

    name: str
    rows: int


def _bounded(batch: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
    """Cut a batch so that no piece has more than `rows` rows or, as far as rows allow, more than `GROUP_BYTES`."""
    pieces = max(1, -(-batch.nbytes // GROUP_BYTES))
    step = max(1, min(rows, -(-batch.num_rows // pieces)))
    for start in range(0, batch.num_rows, step):
        yield batch.slice(start, step)


def write_rows(
    connection: duckdb.DuckDBPyConnection, sql: str, folder: Path, schema: pa.Schema, rows_per_file: int, statistics: list[str]
) -> list[WrittenFile]:
    """Run `sql` and write its rows, in their order, as zstd Parquet files of at most `rows_per_file` rows; none for no rows.

    `schema`: the rows' types, which the files get exactly. `statistics`: columns whose minimum and maximum go into the
    Parquet footers. The files are not part of any table yet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: list[WrittenFile] = []
    writer: pq.ParquetWriter | None = None
    name, rows = "", 0
    try:
        for batch in connection.execute(sql).to_arrow_reader(GROUP_ROWS):
            for whole in _bounded(batch, GROUP_ROWS):
                start = 0
                while start < whole.num_rows:
                    if writer is None:
                        name, rows = f"part-{uuid4().hex}.parquet", 0
                        writer = pq.ParquetWriter(
                            folder / name,
                            schema,
                            compression=COMPRESSION,
                            compression_level=COMPRESSION_LEVEL,
                            write_statistics=statistics,
                            store_schema=False,
                        )
                    piece = whole.slice(start, rows_per_file - rows)
                    writer.write_table(pa.Table.from_batches([piece]).cast(schema), row_group_size=GROUP_ROWS)
                    start += piece.num_rows
                    rows += piece.num_rows
                    if rows >= rows_per_file:
                        writer.close()
                        writer = None
                        files.append(WrittenFile(name, rows))
    finally:
        if writer is not None:
            writer.close()
    if writer is not None:
        files.append(WrittenFile(name, rows))
    return files
