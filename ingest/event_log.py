"""A town's `.events.jsonl`: events not seen before.

Gas Town prunes the file hourly by rewriting it, so an offset means nothing for long; an event is its content, which holds its
time. Equal lines do happen within a second: they are counted, and the n-th equal line is known when n equal ones are in the lake.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from ingest.claude_rows import recorded_time
from ingest.identity import TownIdentity
from ingest.kill_points import reached
from ingest.known_rows import known_events
from ingest.ledger import FileState, file_id, read_states
from ingest.lines import JsonObject, Line, is_blank, parse_object, read_lines
from ingest.part_writer import PartFile, PartWriter
from ingest.reading import Counts
from ingest.redact import Redactor
from ingest.redacted_rows import RecordPosition, redact_records
from ingest.redaction_key import RedactionKey
from ingest.source_files import SourceFile, describe, file_exists, fingerprint, join, open_source
from lake.tables import FILES, QUARANTINE, REDACTIONS, TOWN_EVENTS

SOURCE = "town_events"
FILE_NAME = ".events.jsonl"
BATCH_ROWS = 5_000

_Event = tuple[RecordPosition, str, int, JsonObject]


class EventLog:
    """The plan for one town's event log (see `ingest.reading.Reading`)."""

    source = SOURCE
    table = TOWN_EVENTS.name

    def __init__(self, lake: Path, town: TownIdentity, key: RedactionKey) -> None:
        self._lake = lake
        self._town_id = town.town_id
        self._key = key
        self.stream = f"{SOURCE}-{key.digest('town', town.town_id.encode()).hex()[:12]}"
        self.label = town.town.name
        self.counts = Counts()
        self._file: SourceFile | None = None
        path = join(town.town.root, FILE_NAME)
        if file_exists(path):
            self.counts.files_seen = 1
            self._file_id = file_id(key, self.stream, FILE_NAME)
            self._state = read_states(lake, self.stream).get(self._file_id)
            file = describe(path, FILE_NAME)
            state = self._state
            if state is None or (state.size_bytes, state.modified_ns) != (file.size_bytes, file.modified_ns):
                self._file = file

    @property
    def is_empty(self) -> bool:
        """Whether the file is as it was."""
        return self._file is None

    @property
    def bytes_planned(self) -> int:
        """Size of the file, when it changed."""
        return self._file.size_bytes if self._file else 0

    def parts(self, folder: Path) -> Iterator[list[PartFile]]:
        """Read the log, or only its end when it merely grew."""
        file, state = self._file, self._state
        if file is None:
            return
        redactor = Redactor(self._key)
        writer = PartWriter(folder, "00000")
        with open_source(file.path) as handle:
            grown = (
                state is not None
                and file.size_bytes >= state.byte_offset
                and fingerprint(handle, state.byte_offset, self._key) == state.fingerprint
            )
            generation = 0 if state is None else state.generation + (not grown)
            start = state.byte_offset if state is not None and grown else 0
            self.counts.files_rewritten += generation > 0 and start == 0
            lines, offset = self._lines(list(read_lines(handle, start, file.size_bytes)), start, generation, writer)
            mark = fingerprint(handle, offset, self._key)
        self._write(self._unseen(lines, is_tail=start > 0), redactor, writer)
        self.counts.files_loaded = 1
        self.counts.bytes_read = offset - start
        new = FileState(
            file_id=self._file_id,
            stream=self.stream,
            file=FILE_NAME,
            decision="loaded",
            generation=generation,
            byte_offset=offset,
            size_bytes=file.size_bytes,
            modified_ns=file.modified_ns,
            fingerprint=mark,
            carry="",
        )
        writer.add(FILES.name, [new.row()])
        reached("while_extracting")
        yield writer.close()

    def _lines(
        self, lines: list[Line], start: int, generation: int, writer: PartWriter
    ) -> tuple[list[tuple[RecordPosition, str, JsonObject]], int]:  # fmt: skip
        """Readable lines with their content hash, and where the next load goes on."""
        found: list[tuple[RecordPosition, str, JsonObject]] = []
        offset = start
        for line in lines:
            after = line.next_offset if line.is_ended else line.offset + len(line.content)
            if is_blank(line.content):
                offset = after
                continue
            parsed = parse_object(line.content)
            position = RecordPosition(self._file_id, generation, line.offset, len(line.content))
            if parsed.value is None:
                if not line.is_ended:  # still being written: it waits
                    break
                reason = parsed.reason or "invalid_json"
                writer.add(QUARANTINE.name, [(self._town_id, SOURCE, FILE_NAME, *position.columns(), reason)])
                self.counts.quarantined += 1
            else:
                found.append((position, self._key.digest("town-event", line.content).hex()[:32], parsed.value))
            offset = after
        return found, offset

    def _unseen(self, lines: list[tuple[RecordPosition, str, JsonObject]], *, is_tail: bool) -> list[_Event]:
        """Lines that are not in the lake, with the number of equal lines before each."""
        times = [moment for _, _, value in lines if (moment := recorded_time(value.get("ts"))) is not None]
        known = known_events(self._lake, self._town_id, min(times, default=None)) if lines else Counter()
        before: Counter[str] = Counter(known) if is_tail else Counter()
        unseen: list[_Event] = []
        for position, digest, value in lines:
            occurrence = before[digest]
            before[digest] += 1
            if occurrence >= known[digest]:
                unseen.append((position, digest, occurrence, value))
        return unseen

    def _write(self, events: list[_Event], redactor: Redactor, writer: PartWriter) -> None:
        for begin in range(0, len(events), BATCH_ROWS):
            batch = events[begin : begin + BATCH_ROWS]
            redacted, replaced = redact_records(redactor, SOURCE, [(place, self._town_id, value) for place, _, _, value in batch])
            rows: list[tuple[object, ...]] = []
            for (position, digest, occurrence, _), record in zip(batch, redacted, strict=True):
                value = record.value
                moment: datetime | None = recorded_time(value.get("ts"))
                self.counts.see(moment)
                texts = [item if isinstance(item := value.get(name), str) else None for name in ("type", "actor")]
                if record.text is None:
                    writer.add(QUARANTINE.name, [(self._town_id, SOURCE, FILE_NAME, *position.columns(), "too_deep")])
                    self.counts.quarantined += 1
                    continue
                rows.append((self._town_id, digest, occurrence, *texts, moment, *position.columns(), record.text, record.text_hash))
            writer.add(TOWN_EVENTS.name, rows)
            writer.add(REDACTIONS.name, replaced)
            writer.flush()
            self.counts.rows += len(rows)
            self.counts.redactions += len(replaced)
