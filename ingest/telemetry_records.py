"""A town's telemetry: records not seen before, span of time by span of time.

The store is asked from a little before the end of the last load up to now, since records may come late. What is known is told by
content and time: the n-th of equal records is known when n equal ones are in the lake. Where the last load ended stands in the
lake's ledger, so a fresh machine goes on there.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingest.claude_rows import recorded_time
from ingest.identity import TownIdentity
from ingest.kill_points import reached
from ingest.known_rows import known_telemetry, quarantined_lines
from ingest.ledger import FileState, file_id, read_states
from ingest.lines import JsonObject, parse_object, to_json_bytes
from ingest.part_writer import PartFile, PartWriter
from ingest.reading import Counts
from ingest.redact import Redactor
from ingest.redacted_rows import RecordPosition, redact_records
from ingest.redaction_key import RedactionKey
from ingest.telemetry_address import TelemetryStore
from ingest.telemetry_fields import kept
from ingest.telemetry_server import TelemetryLostError, TelemetryServer, logsql
from lake.tables import FILES, QUARANTINE, REDACTIONS, TELEMETRY_RECORDS

SOURCE = "telemetry"
FILE_NAME = "logsql"
LIMIT = 10_000
"""Records per answer; an answer that has as many may have been cut, and its span is asked for in smaller pieces."""
FIRST_SPAN = timedelta(hours=6)
LONGEST_SPAN = timedelta(days=7)
SHORTEST_SPAN = timedelta(milliseconds=1)
"""A span that is not divided any further: the limit is raised instead."""


@dataclass(frozen=True, slots=True)
class _Record:
    event: str
    recorded_at: datetime
    digest: str
    occurrence: int
    size: int
    left_out: str
    value: JsonObject

    def position(self) -> RecordPosition:
        return RecordPosition(self.digest, self.occurrence, 0, self.size)


@dataclass(slots=True)
class _Found:
    """What one span gave that the lake does not have."""

    records: list[_Record] = field(default_factory=list)
    unreadable: list[tuple[RecordPosition, str]] = field(default_factory=list)


class TelemetryRecords:
    """The plan for one town's log store (see `ingest.reading.Reading`): asking begins at once, and stops at the first news.

    `now`: where asking ends; the clock's time by default. Errors: those of `TelemetryServer.records`.
    """

    source = SOURCE
    table = TELEMETRY_RECORDS.name

    def __init__(
        self, lake: Path, town: TownIdentity, store: TelemetryStore, key: RedactionKey, now: datetime | None = None
    ) -> None:
        self._lake = lake
        self._town_id = town.town_id
        self._store = store
        self._server = TelemetryServer(store)
        self._key = key
        self.stream = f"{SOURCE}-{key.digest('town', town.town_id.encode()).hex()[:12]}"
        self.label = town.town.name
        self.counts = Counts(files_seen=1)
        self._now = now or datetime.now(UTC)
        # Whoever asks for other events, or elsewhere, begins anew: what was not asked for then may be there now.
        self._asks = key.digest("telemetry-query", f"{store.url}\0{logsql(store)}".encode()).hex()[:16]
        self._file_id = file_id(key, self.stream, FILE_NAME)
        state = read_states(lake, self.stream).get(self._file_id)
        carried = state.carried() if state else {}
        until = recorded_time(carried.get("until")) if carried.get("asks") == self._asks else None
        self._until = self._begin = until - store.overlap if until else self._now - store.lookback
        self._refused: set[str] | None = None
        self._news = self._ask()
        self._first = next(self._news, None)

    @property
    def is_empty(self) -> bool:
        """Whether the store has nothing that the lake does not have."""
        return self._first is None

    @property
    def bytes_planned(self) -> int:
        """How much the store will send is not known before it has."""
        return 0

    def parts(self, folder: Path) -> Iterator[list[PartFile]]:
        """Ask on, and write what is new."""
        writer = PartWriter(folder, "00000")
        redactor = Redactor(self._key)
        for found in itertools.chain([self._first] if self._first is not None else [], self._news):
            self._write(found, redactor, writer)
            reached("while_extracting")
        self.counts.files_loaded = 1
        carry = json.dumps({"asks": self._asks, "until": self._until.isoformat()})
        state = FileState(
            file_id=self._file_id,
            stream=self.stream,
            file=FILE_NAME,
            decision="loaded",
            generation=0,
            byte_offset=0,
            size_bytes=0,
            modified_ns=0,
            fingerprint="",
            carry=carry,
        )
        writer.add(FILES.name, [state.row()])
        yield writer.close()

    def _ask(self) -> Iterator[_Found]:
        """Ask span by span. What was found before the store went away is loaded; the next load goes on behind it."""
        known = known_telemetry(self._lake, self._town_id, self._begin)
        start, width, limit, has_news = self._begin, FIRST_SPAN, LIMIT, False
        while start < self._now:
            end = min(start + width, self._now)
            try:
                lines = self._server.records(start, end, limit)
            except TelemetryLostError as error:
                if not has_news:
                    raise
                self.counts.problems.append(f"{error}; loaded up to {start:%Y-%m-%d %H:%M:%S} UTC, the next load goes on there")
                return
            if len(lines) >= limit:
                if end - start > SHORTEST_SPAN:
                    width = max((end - start) / 2, SHORTEST_SPAN)
                else:
                    limit *= 4
                continue
            if len(lines) < LIMIT // 4:
                width = min(2 * width, LONGEST_SPAN)
            limit = LIMIT
            found = self._unknown(lines, start, end, known)
            self._until = start = end
            if found.records or found.unreadable:
                has_news = True
                yield found

    def _unknown(self, lines: list[bytes], start: datetime, end: datetime, known: Counter[str]) -> _Found:
        """Records of [start, end) that are not in the lake. Equal ones have one time, so they lie in one span."""
        found = _Found()
        seen: Counter[str] = Counter()
        for line in lines:
            parsed = parse_object(line)
            value = parsed.value or {}
            event, moment = value.get("_msg"), recorded_time(value.get("_time"))
            if not isinstance(event, str) or moment is None:
                reason = parsed.reason or "missing_key"
                # Without its time nobody knows which load it belongs to: the store sends it as long as it has it.
                identity = self._key.digest("telemetry-line", self.stream.encode() + line).hex()[:32]
                if self._is_new_refusal(identity):
                    found.unreadable.append((RecordPosition(identity, 0, 0, len(line)), reason))
                continue
            if not (start <= moment < end and self._store.wants(event)):
                continue
            self.counts.bytes_read += len(line)
            wanted, left_out = kept(event, value)
            text = to_json_bytes(wanted)
            digest = self._key.digest("telemetry-record", self.stream.encode() + text).hex()[:32]
            occurrence = seen[digest]
            seen[digest] += 1
            if occurrence >= known[digest]:
                found.records.append(_Record(event, moment, digest, occurrence, len(text), ",".join(left_out), wanted))
        return found

    def _is_new_refusal(self, identity: str) -> bool:
        """Whether an unreadable line is not in quarantine yet."""
        if self._refused is None:
            self._refused = quarantined_lines(self._lake, self._town_id, SOURCE)
        is_new = identity not in self._refused
        self._refused.add(identity)
        return is_new

    def _write(self, found: _Found, redactor: Redactor, writer: PartWriter) -> None:
        records = [(record.position(), self._town_id, record.value) for record in found.records]
        redacted, replaced = redact_records(redactor, SOURCE, records)
        rows: list[tuple[object, ...]] = []
        unreadable = list(found.unreadable)
        for record, (position, _, _), result in zip(found.records, records, redacted, strict=True):
            if result.text is None:
                unreadable.append((position, "too_deep"))
                continue
            self.counts.see(record.recorded_at)
            event = result.value.get("_msg")
            facts = (self._town_id, record.digest, record.occurrence, event, record.recorded_at, record.left_out)
            rows.append((*facts, *position.columns(), result.text, result.text_hash))
        writer.add(TELEMETRY_RECORDS.name, rows)
        writer.add(QUARANTINE.name, [(self._town_id, SOURCE, FILE_NAME, *position.columns(), why) for position, why in unreadable])
        writer.add(REDACTIONS.name, replaced)
        writer.flush()
        self.counts.rows += len(rows)
        self.counts.quarantined += len(unreadable)
        self.counts.redactions += len(replaced)
