"""Rows of a snapshot: dicts in memory, Parquet or JSONL on disk, the same hash everywhere.

In memory a row has every column of its schema; what is absent is None. `row_hash` covers all other columns, so that a row that is
moved from one split, startup or scope to another is another row.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq

from lake.merkle import CanonicalError, canonical, leaf_hash
from lake.snapshot_layout import ROW_HASH
from lake.tell import Told

# Rows that are in memory at once while a file is read or converted.
READ_ROWS = 256

Row = dict[str, Any]


class SnapshotRowError(Told):
    """A row does not fit its schema; the message names the row and the field."""


def content_of(row: Row) -> bytes:
    """The row's canonical JSON without `row_hash`: what its hash covers."""
    plain = {name: value for name, value in row.items() if value is not None and name != ROW_HASH}
    # Most rows have no nulls further down and are canonical as they are.
    content = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
    return canonical(plain) if b":null" in content else content


def row_hash(row: Row) -> str:
    """SHA-256 leaf hash of the row's content, in hex. Errors: `CanonicalError`."""
    try:
        return leaf_hash(content_of(row)).hex()
    except orjson.JSONEncodeError as error:
        raise CanonicalError(str(error)) from error


def messages_of(text: str | None) -> list[Row]:
    """Messages from their JSON text; empty lists count as absent, and a single object as a list of one."""
    if not text:
        return []
    found = orjson.loads(text)
    messages: list[Row] = found if isinstance(found, list) else [found]
    if ":[]" in text:
        messages = [{name: value for name, value in message.items() if value != []} for message in messages]
    return messages


def to_batch(rows: Sequence[Row], contents: Sequence[bytes], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as one Arrow batch, from the very bytes that were hashed, so that the file can hold nothing else.

    `contents`: `content_of` each row. Errors: `SnapshotRowError`, naming the first row with a field that the schema does not know,
    which the file would silently lack, or with a value that does not fit its column.
    """
    try:
        return _parsed(contents, schema, rows)
    except pa.ArrowInvalid as whole:
        for row, content in zip(rows, contents, strict=True):
            try:
                _parsed([content], schema, [row])
            except pa.ArrowInvalid as error:
                unknown = _unknown_field(row, pa.struct(list(schema)))
                why = f"they have no field {unknown}" if unknown else str(error)
                raise SnapshotRowError(f"example {row['example_key']} does not fit the files: {why}") from error
        raise SnapshotRowError(f"examples from {rows[0]['example_key']} on do not fit the files: {whole}") from whole


def _unknown_field(value: Any, kind: pa.DataType) -> str | None:
    """Path of the first field that the type does not have."""
    if pa.types.is_struct(kind) and isinstance(value, dict):
        for name, inner in value.items():
            if kind.get_field_index(name) < 0:
                return str(name)
            if found := _unknown_field(inner, kind.field(name).type):
                return f"{name}.{found}"
    if pa.types.is_list(kind) and isinstance(value, list):
        return next((found for inner in value if (found := _unknown_field(inner, kind.value_type))), None)
    return None


def _parsed(contents: Sequence[bytes], schema: pa.Schema, rows: Sequence[Row]) -> pa.RecordBatch:
    """Read by Arrow's own JSON reader: ten times as fast as a conversion of Python values."""
    lines = b"\n".join(contents)
    place = schema.get_field_index(ROW_HASH)
    table = pa.json.read_json(
        io.BytesIO(lines),
        # One block: a row must not lie across two.
        read_options=pa.json.ReadOptions(block_size=len(lines) + 1, use_threads=False),
        parse_options=pa.json.ParseOptions(explicit_schema=schema.remove(place), unexpected_field_behavior="error"),
    )
    table = table.add_column(place, schema.field(place), pa.array([row[ROW_HASH] for row in rows], pa.string()))
    (batch,) = table.combine_chunks().to_batches()
    return batch


def data_path(folder: Path, part: str) -> Path | None:
    """Where the rows of a part lie: Parquet or JSONL; None when neither is there."""
    for suffix in (".parquet", ".jsonl"):
        if (path := folder / f"{part}{suffix}").is_file():
            return path
    return None


def read_rows(path: Path) -> Iterator[Row]:
    """Rows of a data file in their order, a few at a time. `path`: `.parquet` or `.jsonl`."""
    if path.suffix == ".jsonl":
        with path.open("rb") as lines:
            yield from map(orjson.loads, lines)
        return
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=READ_ROWS):
            yield from batch.to_pylist()


def write_jsonl(rows: Iterable[Row], path: Path) -> None:
    """Rows as JSON lines in canonical form: a field that is absent is not there."""
    with path.open("wb") as lines:
        for row in rows:
            lines.write(canonical(row) + b"\n")
