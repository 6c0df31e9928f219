"""The peer of `forge ingest`: transcripts to Delta with nothing in between.

    python -m bench.bare_ingest TRANSCRIPTS TABLE

One process reads every line with orjson, keeps fourteen typed columns and the line, and streams Arrow batches into one Delta
commit with the library's defaults. No dlt, no redaction, no ledger, no recovery.
"""

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import orjson
import pyarrow as pa
from deltalake import write_deltalake

BATCH_BYTES = 16_000_000
TEXT = ("file", "date", "session_id", "type", "uuid", "parent_uuid", "request_id", "message_id", "model", "record")
SCHEMA = pa.schema(
    [(name, pa.string()) for name in TEXT]
    + [(name, pa.int64()) for name in ("byte_offset", "input_tokens", "output_tokens")]
    + [("recorded_at", pa.timestamp("us", "UTC"))]
)


def _row(content: bytes, file: str, offset: int) -> tuple[object, ...]:
    record = orjson.loads(content)
    message = record.get("message")
    message = message if isinstance(message, dict) else {}
    usage = message.get("usage") or {}
    stamp = record.get("timestamp")
    return (
        file,
        stamp[:10] if stamp else "unknown",
        record.get("sessionId"),
        record.get("type"),
        record.get("uuid"),
        record.get("parentUuid"),
        record.get("requestId"),
        message.get("id"),
        message.get("model"),
        content.decode("utf-8", "replace"),
        offset,
        usage.get("input_tokens"),
        usage.get("output_tokens"),
        datetime.fromisoformat(stamp) if stamp else None,
    )


def _batches(root: Path) -> Iterator[pa.RecordBatch]:
    rows: list[tuple[object, ...]] = []
    size = 0
    for path in sorted(root.rglob("*.jsonl")):
        offset = 0
        with path.open("rb") as lines:
            for content in lines:
                try:
                    rows.append(_row(content.rstrip(b"\n"), path.name, offset))
                except (orjson.JSONDecodeError, AttributeError):
                    offset += len(content)  # the peer need not understand damage; the loader it is compared with does
                    continue
                offset, size = offset + len(content), size + len(content)
                if size > BATCH_BYTES:
                    yield _batch(rows)
                    rows, size = [], 0
    if rows:
        yield _batch(rows)


def _batch(rows: list[tuple[object, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    return pa.record_batch([pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


if __name__ == "__main__":
    write_deltalake(sys.argv[2], pa.RecordBatchReader.from_batches(SCHEMA, _batches(Path(sys.argv[1]))), mode="overwrite")
