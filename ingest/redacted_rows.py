"""From parsed records to what may be written: redacted text per record, and the rows that say what was replaced."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from ingest.lines import JsonObject, to_json_bytes
from ingest.redact import Redactor


class RecordPosition(NamedTuple):
    """Where a record was read: the key that `raw.redactions` and the record's own row share."""

    file_id: str
    generation: int
    byte_offset: int
    byte_length: int

    @property
    def record_key(self) -> str:
        """`file_id:generation:byte_offset`."""
        return f"{self.file_id}:{self.generation}:{self.byte_offset}"

    def columns(self) -> tuple[str, int, int, int]:
        """The four place columns of every raw table."""
        return self


class RedactedRecord(NamedTuple):
    """A record after redaction: its value, its JSON text in UTF-8, and the BLAKE2b-128 of that in hex.

    `text` is None when the record nests too deeply to be written.
    """

    value: JsonObject
    text: bytes | None
    text_hash: str | None


def redact_records(
    redactor: Redactor, source: str, records: Sequence[tuple[RecordPosition, str | None, JsonObject]]
) -> tuple[list[RedactedRecord], list[tuple[object, ...]]]:
    """Redact a batch of (position, town, record); gives the records in order and rows for `raw.redactions`."""
    redacted = redactor.redact([value for _, _, value in records])
    results: list[RedactedRecord] = []
    replaced: list[tuple[object, ...]] = []
    for (position, town, _), (value, found) in zip(records, redacted, strict=True):
        record: JsonObject = value if isinstance(value, dict) else {}
        try:
            text = to_json_bytes(record)
        except RecursionError:
            results.append(RedactedRecord(record, None, None))
            continue
        results.append(RedactedRecord(record, text, blake2b(text, digest_size=16).hexdigest()))
        if found:
            key = position.record_key
            replaced += [(town, source, key, r.json_path, r.start, r.end, r.rule, r.surrogate_id) for r in found]
    return results, replaced
