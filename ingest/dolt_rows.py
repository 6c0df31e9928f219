"""Rows of a town's databases over SQL: versions of rows that are new, changed or gone.

Merge requests live as wisps for an hour and are purged; here their last version stays, with a row that says when they were missed.
The lake itself is the ledger: what it has of a row (a keyed hash of its canonical text) decides whether the row is written again.
"""

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ingest.claude_rows import recorded_time
from ingest.dolt_address import DoltServer
from ingest.dolt_known import DoltMemory, row_identities
from ingest.dolt_look import MARGIN, Changes, Gone, Looker, look
from ingest.dolt_schema import BEADS_TABLES, COMMONS_TABLES
from ingest.dolt_server import CHUNK_BYTES, CHUNK_ROWS, DoltConnection
from ingest.identity import TownIdentity
from ingest.kill_points import reached
from ingest.lines import to_json_bytes
from ingest.part_writer import PartFile, PartWriter
from ingest.reading import Counts
from ingest.redact import Redactor, without_cycle_search
from ingest.redact_flat import redact_rows
from ingest.redacted_rows import RecordPosition
from ingest.redaction_key import RedactionKey
from lake.tables import BEADS_ROWS, REDACTIONS

SOURCE = "dolt"
PART_ROWS = 400_000
WHOLE_LOOK_SECONDS = 3_600.0
"""A polling process compares every row this often; in between, only rows whose times moved lately."""

_SPECS = {**BEADS_TABLES, **COMMONS_TABLES}


class DoltRows:
    """The plan for one town's server (see `ingest.reading.Reading`): looking begins at once, and stops at the first change.

    `projects`: database → project id as the town's files and towns.yaml say it. `memory`: of a process that polls; without it every
    row is compared. Errors: those of `DoltConnection`.
    """

    source = SOURCE
    table = BEADS_ROWS.name

    def __init__(
        self,
        lake: Path,
        town: TownIdentity,
        server: DoltServer,
        projects: dict[str, str],
        key: RedactionKey,
        memory: DoltMemory | None = None,
    ) -> None:
        self._lake = lake
        self._town_id = town.town_id
        self._server = server
        self._projects = projects
        self._key = key
        self._memory = memory or DoltMemory()
        self.stream = f"{SOURCE}-{key.digest('town', town.town_id.encode()).hex()[:12]}"
        self.label = town.town.name
        self.counts = Counts()
        self._redactor = Redactor(key)
        self._observed_at: datetime
        self._changed_tables: set[tuple[str, str]] = set()
        self._changes = self._look()
        self._first = next(self._changes, None)

    @property
    def is_empty(self) -> bool:
        """Whether the look has found nothing."""
        return self._first is None

    @property
    def bytes_planned(self) -> int:
        """How much a server will send is not known before it has."""
        return 0

    def parts(self, folder: Path) -> Iterator[list[PartFile]]:
        """Look on, and write what is found."""
        found = itertools.chain([self._first] if self._first is not None else [], self._changes)
        for number in itertools.count():
            writer = PartWriter(folder, f"{number:05d}")
            if not self._write_part(found, writer):
                break
            reached("while_extracting")
            yield writer.close()
        self.counts.files_loaded = len(self._changed_tables)

    def _look(self) -> Iterator[Changes | Gone]:
        memory, begun = self._memory, time.monotonic()
        with without_cycle_search(), DoltConnection(self._server) as connection:
            self._observed_at = connection.now()
            memory.refresh(self._lake)
            is_whole = memory.whole_at is None or begun - memory.whole_at >= WHOLE_LOOK_SECONDS
            since = None if is_whole or memory.looked_at is None else memory.looked_at - MARGIN
            looker = Looker(
                identities=partial(row_identities, self._key, self.stream),
                digest=self._key.digester("dolt-record"),
                known=partial(memory.known, self._lake, self._town_id),
                projects=self._projects.get,
            )
            yield from look(connection, looker, since, self.counts)
        # Rows of a load that fails after this are still "lately" changed for the next one, by a wide margin.
        memory.looked_at = self._observed_at
        if is_whole:
            memory.whole_at = begun

    def _write_part(self, found: Iterator[Changes | Gone], writer: PartWriter) -> int:
        """Write about `PART_ROWS` rows; returns how many."""
        gone: list[Gone] = []
        waiting: Changes | None = None
        written = 0
        for item in found:
            self._changed_tables.add((item.project, item.table))
            if isinstance(item, Gone):
                gone.append(item)
                written += 1
            else:
                written += len(item.rows)
                waiting = self._gathered(waiting, item, writer)
            if written >= PART_ROWS:
                break
        if waiting is not None:
            self._write_changes(waiting, writer)
        self._write_gone(gone, writer)
        return written

    def _gathered(self, waiting: Changes | None, more: Changes, writer: PartWriter) -> Changes:
        """What waits to be written with `more`: few changes of many chunks make one row group."""
        if waiting is None:
            return more
        is_same = (waiting.project, waiting.table, waiting.names) == (more.project, more.table, more.names)
        if is_same and len(waiting.rows) + len(more.rows) <= CHUNK_ROWS and waiting.size + more.size <= CHUNK_BYTES:
            return replace(
                waiting,
                rows=waiting.rows + more.rows,
                texts=waiting.texts + more.texts,
                identities=waiting.identities + more.identities,
                digests=waiting.digests + more.digests,
            )
        self._write_changes(waiting, writer)
        return more

    @property
    def _moment(self) -> int:
        """The moment of the look in µs since 1970: the generation of every version it gives."""
        return int(self._observed_at.timestamp() * 1e6)

    def _write_changes(self, changes: Changes, writer: PartWriter) -> None:
        names, rows, count = changes.names, changes.rows, len(changes.rows)
        lengths = list(map(len, changes.texts))
        texts, columns = list(changes.texts), dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        replaced: list[tuple[object, ...]] = []
        for number, (record, made) in redact_rows(self._redactor, names, rows).items():
            texts[number] = to_json_bytes(record)
            for name in names:
                columns[name][number] = record.get(name)
            key = RecordPosition(changes.identities[number], self._moment, 0, 0).record_key
            replaced += [(self._town_id, SOURCE, key, r.json_path, r.start, r.end, r.rule, r.surrogate_id) for r in made]
        keys = zip(*(columns[name] for name in _SPECS[changes.table].key), strict=True)
        updated = _updated(columns, count)
        newest = pc.max(updated).as_py()
        self.counts.see(newest)
        arrays = {
            **self._shared(changes, count, "upsert"),
            # The key is taken from what is written: labels and the like may hold what must not be.
            "row_key": pa.array(["|".join(map(str, key)) for key in keys], pa.string()),
            "bead_id": _beads(changes.table, columns, count),
            "updated_at": updated,
            "file_id": pa.array(changes.identities, pa.string()),
            "byte_length": pa.array(lengths, pa.int64()),
            "record": pa.array(texts, pa.string()),
            "record_hash": pa.array(changes.digests, pa.string()),
        }
        writer.write(BEADS_ROWS.name, arrays)
        writer.add(REDACTIONS.name, replaced)
        writer.flush()
        self.counts.rows += count
        self.counts.redactions += len(replaced)

    def _write_gone(self, gone: list[Gone], writer: PartWriter) -> None:
        for (_, _), group in itertools.groupby(gone, key=lambda item: (item.project, item.table)):
            items = list(group)
            count = len(items)
            arrays = {
                **self._shared(items[0], count, "delete"),
                "row_key": pa.array([item.row_key for item in items], pa.string()),
                "bead_id": pa.array([item.bead_id for item in items], pa.string()),
                "updated_at": pa.nulls(count, BEADS_ROWS.columns["updated_at"][0]),
                "file_id": pa.array([item.identity for item in items], pa.string()),
                "byte_length": pa.repeat(pa.scalar(0, pa.int64()), count),
                "record": pa.nulls(count, pa.string()),
                "record_hash": pa.array([item.digest for item in items], pa.string()),
            }
            writer.write(BEADS_ROWS.name, arrays)
            self.counts.rows += count

    def _shared(self, of: Changes | Gone, count: int, change: str) -> dict[str, pa.Array]:
        """The columns that are the same for all rows of one table."""
        values: dict[str, object] = {
            "town_id": self._town_id,
            "beads_project_id": of.project,
            "database": of.database,
            "source": SOURCE,
            "table_name": of.table,
            "change": change,
            "observed_at": self._observed_at,
            "generation": self._moment,
            "byte_offset": 0,
        }
        return {name: pa.repeat(pa.scalar(value, BEADS_ROWS.columns[name][0]), count) for name, value in values.items()}


def _beads(table: str, columns: dict[str, list[object]], count: int) -> pa.Array:
    """The bead each row is about; null in tables that are not about beads."""
    if table in COMMONS_TABLES:
        return pa.nulls(count, pa.string())
    nothing: list[object] = [None] * count
    about, own = columns.get("issue_id", nothing), columns.get("id", nothing)
    found = (one or other for one, other in zip(about, own, strict=True))
    return pa.array([bead if isinstance(bead, str) else None for bead in found], pa.string())


def _updated(columns: dict[str, list[object]], count: int) -> pa.Array:
    """Each row's `updated_at`, else its `created_at`, as a time."""
    known: dict[object, datetime | None] = {}

    def time_of(value: object) -> datetime | None:
        if value not in known:
            known[value] = recorded_time(value)
        return known[value]

    nothing: list[object] = [None] * count
    both = zip(columns.get("updated_at", nothing), columns.get("created_at", nothing), strict=True)
    return pa.array([time_of(updated) or time_of(created) for updated, created in both], BEADS_ROWS.columns["updated_at"][0])
