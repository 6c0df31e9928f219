"""A model's data files: writing a query's rows as bounded Parquet files, and what their footers tell.

DuckDB writes them itself: twice as fast here as handing the rows to another writer, and in parallel.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from lake.commits import COMPRESSION, COMPRESSION_LEVEL

# One row group per file, so that a file is one contiguous stretch of the order its rows were asked in. A row group is held in
# memory until it is full; rows of transcripts are some KB each, single ones up to 50 MB.
GROUP_BYTES = "128MB"

# DuckDB writes row groups in whole vectors of this many rows.
ENGINE_ROWS = 2_048


@dataclass(frozen=True)
class WrittenFile:
    """One finished data file: its name in the table's folder and how many rows it holds."""

    name: str
    rows: int


def quoted(names: Iterable[str], prefix: str = "") -> str:
    """Column names as an SQL list; `prefix`: the alias they are taken from, with its dot."""
    return ", ".join(f'{prefix}"{name}"' for name in names)


def literal(text: str) -> str:
    """`text` as an SQL string literal."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def read_files(folder: Path, names: Iterable[str], options: str = "") -> str:
    """SQL that reads exactly these data files of a table."""
    return f"read_parquet([{', '.join(literal(str(folder / name)) for name in names)}]{options})"


def write_rows(
    connection: duckdb.DuckDBPyConnection, sql: str, folder: Path, rows_per_file: int, order_by: Sequence[str]
) -> list[WrittenFile]:
    """Run `sql` and write its rows as zstd Parquet files of about `rows_per_file` rows in `folder`; none for no rows.

    `order_by`: columns by which rows are laid out, over all files; `name[:n]` stands for the first n characters of a column. The
    files are not part of any table yet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if rows_per_file < ENGINE_ROWS:
        return _write_small_files(connection, sql, folder, rows_per_file, order_by)
    # Bounding a row group's bytes needs it; the order that is asked for is kept all the same.
    connection.execute("set preserve_insertion_order = false")
    ordered = _ordered(sql, order_by)
    written = connection.execute(
        f"copy ({ordered}\n) to {literal(str(folder))} (format parquet, compression {COMPRESSION}, "
        f"compression_level {COMPRESSION_LEVEL}, row_group_size {rows_per_file}, row_group_size_bytes '{GROUP_BYTES}', "
        "row_groups_per_file 1, filename_pattern 'part-{uuid}', overwrite_or_ignore true, return_stats true)"
    ).fetchall()
    files = []
    for path, rows, *_ in written:
        if rows:
            files.append(WrittenFile(Path(path).name, rows))
        else:
            Path(path).unlink(missing_ok=True)
    return files


def order_column(term: str) -> str:
    """The column an `order_by` entry speaks of: `session_key` of `session_key[:6]`."""
    return term.split("[:")[0]


def _order_term(term: str) -> str:
    column = order_column(term)
    return f'"{column}"' if column == term else f'left("{column}", {int(term[len(column) + 2 : -1])})'


def _ordered(sql: str, order_by: Sequence[str]) -> str:
    return f"select * from ({sql}\n) order by {', '.join(map(_order_term, order_by))}" if order_by else sql


def _write_small_files(
    connection: duckdb.DuckDBPyConnection, sql: str, folder: Path, rows_per_file: int, order_by: Sequence[str]
) -> list[WrittenFile]:  # fmt: skip
    """As `write_rows`, for files smaller than the engine makes them."""
    table = connection.execute(_ordered(sql, order_by)).to_arrow_table()
    files: list[WrittenFile] = []
    for begin in range(0, table.num_rows, rows_per_file):
        part = table.slice(begin, rows_per_file)
        name = f"part-{uuid.uuid4()}.parquet"
        pq.write_table(part, folder / name, compression=COMPRESSION, compression_level=COMPRESSION_LEVEL)
        files.append(WrittenFile(name, part.num_rows))
    return files


def column_sizes(path: Path, columns: Iterable[str]) -> int:
    """Bytes of these columns in a file, its footer included: what reading nothing but them costs at most."""
    sizes = _column_sizes(path)
    return sizes[""] + sum(sizes[name] for name in columns)


@lru_cache(maxsize=100_000)
def _column_sizes(path: Path) -> dict[str, int]:
    """Compressed bytes by column; the footer under the empty name. A data file never changes."""
    metadata = pq.read_metadata(path)
    sizes = {"": metadata.serialized_size}
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(index)
            name = chunk.path_in_schema.split(".")[0]
            sizes[name] = sizes.get(name, 0) + chunk.total_compressed_size
    return sizes
