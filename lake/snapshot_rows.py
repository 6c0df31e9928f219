"""Rows of a snapshot: dicts in memory, Parquet or JSONL on disk, the same hash everywhere.

In memory a row has every column of its schema; what is absent is None. `row_hash` covers all other columns, so that a row that is
moved from one split, startup or scope to another is another row.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from lake.merkle import canonical, leaf_hash
from lake.snapshot_layout import MESSAGE, ROW_HASH, SAID, SPAN, TOOL_CALL
from lake.tell import Told

# Rows that are in memory at once while a file is read or converted.
READ_ROWS = 256

Row = dict[str, Any]


class SnapshotRowError(Told):
    """A row does not fit its schema; the message names the row and the field."""


def row_hash(row: Row) -> str:
    """SHA-256 leaf hash of the row's canonical JSON without `row_hash`, in hex."""
    return leaf_hash(canonical({name: value for name, value in row.items() if name != ROW_HASH})).hex()


def _fields(kind: pa.StructType) -> frozenset[str]:
    return frozenset(field.name for field in kind)


_MESSAGE, _SAID, _CALL, _SPAN = map(_fields, (MESSAGE, SAID, TOOL_CALL, SPAN))
_FUNCTION = _fields(TOOL_CALL.field("function").type)


def messages_of(text: str | None, key: str, *, with_targets: bool = True) -> list[Row]:
    """Messages from their JSON text; empty lists count as absent.

    `key`: of the row, for errors. `with_targets`: `train` and `train_detail` may occur. A single object counts as a list of one.
    Errors: `SnapshotRowError` for a field the schema does not know, which the file would silently lack.
    """
    if not text:
        return []
    found = orjson.loads(text)
    messages: list[Row] = found if isinstance(found, list) else [found]
    allowed = _MESSAGE if with_targets else _SAID
    for message in messages:
        _check(key, "message", message, allowed)
        for call in message.get("tool_calls") or ():
            _check(key, "message.tool_calls", call, _CALL)
            _check(key, "message.tool_calls.function", call.get("function") or {}, _FUNCTION)
        for span in message.get("train_detail") or ():
            _check(key, "message.train_detail", span, _SPAN)
    if ":[]" in text:
        messages = [{name: value for name, value in message.items() if value != []} for message in messages]
    return messages


def _check(key: str, place: str, found: Row, allowed: frozenset[str]) -> None:
    if not allowed.issuperset(found):
        unknown = ", ".join(sorted(found.keys() - allowed))
        raise SnapshotRowError(f"example {key}: {place} has the unknown field {unknown}; known are {', '.join(sorted(allowed))}")


def to_batch(rows: Sequence[Row], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as one Arrow batch. Errors: `SnapshotRowError` when a value does not fit its column."""
    arrays = []
    for field in schema:
        try:
            arrays.append(_column([row.get(field.name) for row in rows], field.type))
        except (pa.ArrowInvalid, pa.ArrowTypeError, AttributeError) as error:
            first, last = rows[0]["example_key"], rows[-1]["example_key"]
            raise SnapshotRowError(f"examples {first} to {last}, column {field.name}: {error}") from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Python values as an Arrow array, field by field: three times as fast as a conversion value by value."""
    if pa.types.is_list(kind):
        absent = [value is None for value in values]
        ends = pa.array(accumulate((0 if value is None else len(value) for value in values), initial=0), pa.int32())
        inner = _column(list(chain.from_iterable(value for value in values if value)), kind.value_type)
        return pa.ListArray.from_arrays(ends, inner, type=kind, mask=pa.array(absent) if any(absent) else None)
    if pa.types.is_struct(kind):
        absent = [value is None for value in values]
        present = [value or {} for value in values]
        inner = [_column([value.get(field.name) for value in present], field.type) for field in kind]
        return pa.StructArray.from_arrays(inner, fields=list(kind), mask=pa.array(absent) if any(absent) else None)
    return pa.array(values, kind)


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
