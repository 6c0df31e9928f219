"""From parsed records to what may be written: redacted text per record, and the rows that say what was replaced."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.lines import JsonObject, to_json
from ingest.redact import Redactor


@dataclass(frozen=True, slots=True)
class RecordPosition:
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
        return self.file_id, self.generation, self.byte_offset, self.byte_length


@dataclass(frozen=True, slots=True)
class RedactedRecord:
    """A record after redaction. `text` is None when it nests too deeply to be written."""

    value: JsonObject
    text: str | None

    @property
    def text_hash(self) -> str | None:
        """BLAKE2b-128 of the text, in hex."""
        return None if self.text is None else hashlib.blake2b(self.text.encode(), digest_size=16).hexdigest()


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
            text = to_json(record)
        except RecursionError:
            results.append(RedactedRecord(record, None))
            continue
        results.append(RedactedRecord(record, text))
        if found:
            key = position.record_key
            replaced += [(town, source, key, r.json_path, r.start, r.end, r.rule, r.surrogate_id) for r in found]
    return results, replaced
