"""JSONL exports of a town's beads databases: which are there, and which of their rows are new, changed or gone.

An export is written anew as a whole, so lines have no lasting place; a row is known by its primary key and a keyed hash of its
line. What is unchanged is neither redacted nor written again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ingest.claude_rows import recorded_time
from ingest.identity import TownIdentity
from ingest.kill_points import reached
from ingest.known_rows import KnownRows, newest_bead_rows
from ingest.ledger import FileState, file_id, read_states
from ingest.lines import JsonObject, is_blank, parse_object, read_lines
from ingest.part_writer import PartFile, PartWriter
from ingest.reading import Counts
from ingest.redact import Redactor
from ingest.redacted_rows import RecordPosition, redact_records
from ingest.redaction_key import RedactionKey
from ingest.source_files import SourceFile, describe, file_exists, join, open_source
from lake.tables import BEADS_ROWS, FILES, QUARANTINE, REDACTIONS

SOURCE = "beads"
BATCH_ROWS = 4_000

PRIMARY_KEYS: dict[str, tuple[str, ...]] = {
    "issues": ("id",),
    "events": ("id",),
    "comments": ("id",),
    "dependencies": ("issue_id", "depends_on_id"),
    "labels": ("issue_id", "label"),
    "interactions": ("id",),
}
"""Tables of an export and their primary keys, as the beads schema defines them."""


@dataclass(frozen=True, slots=True)
class ExportFile:
    """One table of one exported database."""

    path: str
    table: str
    database: str
    project: str


@dataclass(frozen=True, slots=True)
class _Task:
    export: ExportFile
    file: SourceFile
    file_id: str
    state: FileState | None


def find_export_files(folder: str, database: str, project: str) -> Iterator[ExportFile]:
    """The table files of an export: in the folder, or in its `backup` folder when that is where they are.

    `interactions.jsonl` is written beside the backup, never into it.
    """
    backup = join(folder, "backup")
    source = backup if file_exists(join(backup, "issues.jsonl")) else folder
    for table in PRIMARY_KEYS:
        for place in (source, folder):
            path = join(place, f"{table}.jsonl")
            if file_exists(path):
                yield ExportFile(path, table, database, project)
                break


class BeadsExports:
    """The plan for all exports of one town (see `ingest.reading.Reading`)."""

    source = SOURCE
    table = BEADS_ROWS.name

    def __init__(self, lake: Path, town: TownIdentity, exports: Iterable[ExportFile], key: RedactionKey) -> None:
        self._lake = lake
        self._town_id = town.town_id
        self._key = key
        self.stream = f"{SOURCE}-{key.digest('town', town.town_id.encode()).hex()[:12]}"
        self.label = town.town.name
        self.counts = Counts()
        states = read_states(lake, self.stream)
        self._tasks: list[_Task] = []
        taken: dict[tuple[str, str], str] = {}
        for export in exports:
            other = taken.setdefault((export.project, export.table), export.path)
            if other != export.path:
                self.counts.problems.append(
                    f"{export.table} of database {export.database} is exported twice; the first one in towns.yaml is read"
                )
                continue
            file = describe(export.path, f"{export.database}/{export.table}.jsonl")
            self.counts.files_seen += 1
            identity = file_id(key, self.stream, f"{export.project}/{export.table}")
            state = states.get(identity)
            if state is None or (state.size_bytes, state.modified_ns) != (file.size_bytes, file.modified_ns):
                self._tasks.append(_Task(export, file, identity, state))

    @property
    def is_empty(self) -> bool:
        """Whether no export was written anew."""
        return not self._tasks

    @property
    def bytes_planned(self) -> int:
        """Bytes of the exports that were written anew."""
        return sum(task.file.size_bytes for task in self._tasks)

    def parts(self, folder: Path) -> Iterator[list[PartFile]]:
        """Read every export that was written anew."""
        redactor = Redactor(self._key)
        for number, task in enumerate(self._tasks):
            writer = PartWriter(folder, f"{number:05d}")
            state = _ExportReader(self._lake, self._town_id, self._key, redactor, task, writer, self.counts, self.stream).read()
            writer.add(FILES.name, [state.row()])
            reached("while_extracting")
            yield writer.close()


class _ExportReader:
    """Reads one table file of an export."""

    def __init__(
        self,
        lake: Path,
        town_id: str,
        key: RedactionKey,
        redactor: Redactor,
        task: _Task,
        writer: PartWriter,
        counts: Counts,
        stream: str,
    ) -> None:
        self._town_id = town_id
        self._key = key
        self._redactor = redactor
        self._task = task
        self._writer = writer
        self._counts = counts
        self._stream = stream
        self._display = redactor.redact_text(task.file.name)
        self._generation = task.state.generation + 1 if task.state else 0
        self._observed_at = datetime.fromtimestamp(task.file.modified_ns / 1e9, UTC)
        self._known: dict[str, KnownRows] = {}
        self._lake = lake
        self._seen: dict[str, dict[str, str]] = {task.export.table: {}}
        self._is_whole = True
        self._batch: list[tuple[RecordPosition, str, str, JsonObject]] = []

    def read(self) -> FileState:
        """Write what is new, changed or gone; returns the file's state for the ledger."""
        task = self._task
        end = 0
        with open_source(task.file.path) as handle:
            for line in read_lines(handle, 0, task.file.size_bytes):
                end = line.offset + len(line.content)
                if is_blank(line.content):
                    continue
                self._counts.bytes_read += len(line.content)
                parsed = parse_object(line.content)
                position = RecordPosition(task.file_id, self._generation, line.offset, len(line.content))
                reason = parsed.reason if parsed.value is None else self._take(position, line.content, parsed.value)
                if reason is not None:
                    self._quarantine(position, reason)
        self._write_batch()
        self._write_gone()
        self._counts.files_loaded += 1
        self._counts.files_rewritten += self._generation > 0
        return FileState(
            file_id=task.file_id,
            stream=self._stream,
            file=self._display,
            decision="loaded",
            generation=self._generation,
            byte_offset=end,
            size_bytes=task.file.size_bytes,
            modified_ns=task.file.modified_ns,
            fingerprint="",
            carry="",
        )

    def _quarantine(self, position: RecordPosition, reason: str) -> None:
        self._is_whole = False
        self._writer.add(QUARANTINE.name, [(self._town_id, SOURCE, self._display, *position.columns(), reason)])
        self._counts.quarantined += 1

    def _take(self, position: RecordPosition, content: bytes, row: JsonObject) -> str | None:
        """Keep a row for writing if it is not known as it is; returns why it cannot be read, or None."""
        kind = row.get("_type")
        table = self._task.export.table if kind in (None, "issue") else str(kind)
        if _row_key(table, row) is None:
            return "missing_key"
        digest = self._key.digest("beads-row", content).hex()[:32]
        known = self._known_rows(table).unchanged_key(digest)
        if known is not None:
            self._seen.setdefault(table, {})[known] = digest
        else:
            self._batch.append((position, table, digest, row))
            if len(self._batch) >= BATCH_ROWS:
                self._write_batch()
        return None

    def _known_rows(self, table: str) -> KnownRows:
        if table not in self._known:
            self._known[table] = newest_bead_rows(self._lake, self._town_id, self._task.export.project, table)
        return self._known[table]

    def _free_key(self, table: str, key: str, digest: str) -> str | None:
        """The key to store a row under: `key`, or `key#2` when another row of this file has it; None for the same line again."""
        seen = self._seen.setdefault(table, {})
        free, occurrence = key, 1
        while free in seen:
            if seen[free] == digest:
                return None
            occurrence += 1
            free = f"{key}#{occurrence}"
        seen[free] = digest
        return free

    def _row(self, table: str, key: str, bead: object, change: str, updated: datetime | None) -> tuple[object, ...]:
        export = self._task.export
        return (
            self._town_id,
            export.project,
            export.database,
            "jsonl",
            table,
            key,
            bead if isinstance(bead, str) else None,
            change,
            self._observed_at,
            updated,
        )

    def _write_batch(self) -> None:
        batch, self._batch = self._batch, []
        redacted, replaced = redact_records(
            self._redactor, SOURCE, [(position, self._town_id, row) for position, _, _, row in batch]
        )
        rows: list[tuple[object, ...]] = []
        for (position, table, digest, _), record in zip(batch, redacted, strict=True):
            value = record.value
            if record.text is None:
                self._quarantine(position, "too_deep")
                continue
            # The key is taken from what is written: labels and the like may hold what must not be.
            key = self._free_key(table, _row_key(table, value) or digest, digest)
            if key is None:
                continue
            updated = recorded_time(value.get("updated_at")) or recorded_time(value.get("created_at"))
            self._counts.see(updated)
            bead = value.get("issue_id") or value.get("id")
            rows.append((*self._row(table, key, bead, "upsert", updated), *position.columns(), record.text, digest))
        self._writer.add(BEADS_ROWS.name, rows)
        self._writer.add(REDACTIONS.name, replaced)
        self._writer.flush()
        self._counts.rows += len(rows)
        self._counts.redactions += len(replaced)

    def _write_gone(self) -> None:
        """Rows that the export no longer has. A file with an unreadable line does not prove that any row is gone."""
        if not self._is_whole:
            return
        nowhere = RecordPosition(self._task.file_id, self._generation, 0, 0)
        gone: list[tuple[object, ...]] = []
        for table, seen in self._seen.items():
            for key, digest in self._known_rows(table).present():
                if key not in seen:
                    bead = key.split("|", 1)[0]
                    gone.append((*self._row(table, key, bead, "delete", None), *nowhere.columns(), None, digest))
        self._writer.add(BEADS_ROWS.name, gone)
        self._writer.flush()
        self._counts.rows += len(gone)


def _row_key(table: str, row: JsonObject) -> str | None:
    """A row's primary key as text, or None when it has none. Memories and other guests of an export go by `id` or `key`."""
    names = PRIMARY_KEYS.get(table)
    parts = [row.get(name) for name in names] if names else [row.get("id") or row.get("key")]
    if any(part is None or isinstance(part, dict | list) for part in parts):
        return None
    return "|".join(str(part) for part in parts)
