"""Reads transcript files of one Claude Code home: decides, follows growth, redacts, writes rows.

This is the part that runs in worker processes; each task is a few files and gives finished Parquet files.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ingest.attribution import Attribution, Place
from ingest.claude_rows import PlaceTracker, RecordPlace, envelope, path_facts, response_ids
from ingest.ledger import FileState
from ingest.lines import JsonObject, Line, is_blank, parse_object, read_lines
from ingest.part_writer import PartFile, PartWriter
from ingest.reading import Counts
from ingest.redact import Redactor
from ingest.redacted_rows import RecordPosition, RedactedRecord, redact_records
from ingest.redaction_key import RedactionKey
from ingest.source_files import SourceFile, fingerprint, open_source
from lake.tables import CLAUDE_RECORDS, FILES, QUARANTINE, REDACTIONS

SOURCE = "claude"
BATCH_BYTES = 8_000_000
BATCH_ROWS = 5_000
_RECORDED_AT = list(CLAUDE_RECORDS.columns).index("recorded_at")


@dataclass(frozen=True, slots=True)
class FileTask:
    """A file to look at and what the lake holds of it (None: nothing yet)."""

    file: SourceFile
    file_id: str
    state: FileState | None


@dataclass(frozen=True)
class TaskResult:
    """Finished files of one task, and its counts."""

    parts: list[PartFile]
    counts: Counts


@dataclass(frozen=True, slots=True)
class _OpenFile:
    """The file that is being read: its ledger state so far and what its path says."""

    state: FileState
    facts: tuple[str, str | None, str | None]
    tracker: PlaceTracker

    def position(self, line: Line) -> RecordPosition:
        """Where a line of this file lies."""
        return RecordPosition(self.state.file_id, self.state.generation, line.offset, len(line.content))


class _Pending(NamedTuple):
    """A parsed record that waits to be redacted with its batch."""

    source: _OpenFile
    position: RecordPosition
    value: JsonObject
    repair: str | None
    place: RecordPlace


class ClaudeReader:
    """Reads files one after the other into one `PartWriter`."""

    def __init__(self, stream: str, attribution: Attribution, roots_mark: str, key: RedactionKey, redactor: Redactor) -> None:
        self._stream = stream
        self._attribution = attribution
        self._roots_mark = roots_mark
        self._key = key
        self._redactor = redactor
        self._root_paths: dict[str, str] = {}
        self._pending: list[_Pending] = []
        self._pending_bytes = 0

    def read(self, tasks: list[FileTask], folder: Path, part: str) -> TaskResult:
        """Read every file of a task. A file that cannot be opened is reported and stays for the next load."""
        writer = self._writer = PartWriter(folder, part)
        counts = self._counts = Counts()
        for task in tasks:
            try:
                with open_source(task.file.path) as handle:
                    state = self._read_file(handle, task)
            except FileNotFoundError:  # gone since it was listed: nothing to read, nothing to remember
                continue
            except OSError as error:
                counts.problems.append(f"{self._redactor.redact_text(task.file.name)}: {error.strerror or type(error).__name__}")
                continue
            if state is not None:
                writer.add(FILES.name, [state.row()])
        self._write_batch()
        return TaskResult(writer.close(), counts)

    def _read_file(self, handle: BinaryIO, task: FileTask) -> FileState | None:
        """Read what is new in one file; returns its state for the ledger, or None to leave the ledger as it is."""
        state, file, counts = task.state, task.file, self._counts
        generation, offset = 0, 0
        carried: dict[str, str | None] = {}
        display = state.file if state else self._redactor.redact_text(file.name)
        if state is not None and state.decision == "loaded":
            grown = file.size_bytes >= state.byte_offset and fingerprint(handle, state.byte_offset, self._key) == state.fingerprint
            generation = state.generation if grown else state.generation + 1
            offset = state.byte_offset if grown else 0
            carried = state.carried() if grown else {}
            counts.files_rewritten += not grown
        base = FileState(
            file_id=task.file_id,
            stream=self._stream,
            file=display,
            decision="loaded",
            generation=generation,
            byte_offset=offset,
            size_bytes=file.size_bytes,
            modified_ns=file.modified_ns,
            fingerprint="",
            carry="",
        )
        tracker = PlaceTracker(self._attribution, carried)
        if offset == 0:
            first = self._first_place(handle, file.size_bytes)
            if first is None or first.kind in ("outside", "unidentified"):
                decision = "foreign" if first is not None and first.kind == "outside" else "undecided"
                counts.files_foreign += decision == "foreign"
                counts.files_undecided += decision == "undecided"
                if first is not None and first.kind == "unidentified":
                    return None
                return replace(base, decision=decision, generation=generation, carry=json.dumps({"roots": self._roots_mark}))
            tracker.start(first)
        stopped = self._read_rows(handle, _OpenFile(base, path_facts(file.name), tracker), file.size_bytes)
        counts.files_loaded += stopped > offset
        return replace(
            base,
            byte_offset=stopped,
            fingerprint=fingerprint(handle, stopped, self._key),
            carry=json.dumps(tracker.carry()),
        )

    def _first_place(self, handle: BinaryIO, size: int) -> Place | None:
        """The place of the first working directory in the file, reading no further than that; None while there is none."""
        for line in read_lines(handle, 0, size):
            parsed = parse_object(line.content)
            cwd = parsed.value.get("cwd") if parsed.value else None
            if isinstance(cwd, str):
                return self._attribution.of(cwd)
        return None

    def _read_rows(self, handle: BinaryIO, source: _OpenFile, stop: int) -> int:
        """Take in the records from the ledger's offset on; returns where the next load goes on."""
        offset = source.state.byte_offset
        lines = read_lines(handle, offset, stop)
        while True:
            try:
                line = next(lines, None)
            except OSError as error:  # what was read so far counts; the rest is read by the next load
                self._counts.problems.append(f"{source.state.file}: {error.strerror or type(error).__name__} at byte {offset}")
                break
            if line is None:
                break
            after = line.next_offset if line.is_ended else line.offset + len(line.content)
            if is_blank(line.content):
                offset = after if line.is_ended else offset
                continue
            parsed = parse_object(line.content)
            if parsed.value is None:
                if not line.is_ended:  # still being written: it waits
                    break
                self._quarantine(source, source.position(line), parsed.reason or "invalid_json")
                offset = after
                continue
            place = source.tracker.place(parsed.value)
            if place is None:
                break
            self._pending.append(_Pending(source, source.position(line), parsed.value, parsed.repair, place))
            self._pending_bytes += len(line.content)
            offset = after
            if self._pending_bytes >= BATCH_BYTES or len(self._pending) >= BATCH_ROWS:
                self._write_batch()
        return offset

    def _quarantine(self, source: _OpenFile, position: RecordPosition, reason: str) -> None:
        self._writer.add(QUARANTINE.name, [(source.tracker.town, SOURCE, source.state.file, *position.columns(), reason)])
        self._counts.quarantined += 1

    def _write_batch(self) -> None:
        """Redact and write what is pending; batches run over file borders, because scanning likes large buffers."""
        batch, self._pending = self._pending, []
        self._counts.bytes_read += self._pending_bytes
        self._pending_bytes = 0
        redacted, replaced = redact_records(
            self._redactor, SOURCE, [(pending.position, pending.place[0], pending.value) for pending in batch]
        )
        rows: list[tuple[object, ...]] = []
        for pending, record in zip(batch, redacted, strict=True):
            if record.text is None:
                self._quarantine(pending.source, pending.position, "too_deep")
            else:
                rows.append(self._row(pending, record))
        moments = (row[_RECORDED_AT] for row in rows)
        self._counts.see(max((moment for moment in moments if isinstance(moment, datetime)), default=None))
        self._writer.add(CLAUDE_RECORDS.name, rows)
        self._writer.add(REDACTIONS.name, replaced)
        self._writer.flush()
        self._counts.rows += len(rows)
        self._counts.redactions += len(replaced)

    def _row(self, pending: _Pending, redacted: RedactedRecord) -> tuple[object, ...]:
        """The row of one redacted record."""
        record = redacted.value
        town, attribution, reason, root_path = pending.place
        return (
            town,
            attribution,
            reason,
            *pending.position.columns(),
            *pending.source.facts,
            *envelope(record),
            self._root_path(root_path),
            *response_ids(record),
            pending.repair,
            redacted.text,
            redacted.text_hash,
        )

    def _root_path(self, root_path: str | None) -> str | None:
        if root_path is None or root_path == ".":
            return root_path
        known = self._root_paths.get(root_path)
        if known is None:
            known = self._root_paths[root_path] = self._redactor.redact_text(root_path)
        return known
