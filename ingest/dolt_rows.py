"""Rows of a town's databases over SQL: versions of rows that are new, changed or gone.

Merge requests live as wisps for an hour and are purged; here their last version stays, with a row that says when they were missed.
The lake itself is the ledger: what it has of a row (a keyed hash of its canonical text) decides whether the row is written again.
"""

import itertools
import time
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from ingest.claude_rows import recorded_time
from ingest.dolt_address import DoltServer
from ingest.dolt_known import DoltMemory, row_identity
from ingest.dolt_look import MARGIN, Change, Gone, Looker, look
from ingest.dolt_schema import BEADS_TABLES, COMMONS_TABLES
from ingest.dolt_server import DoltConnection
from ingest.identity import TownIdentity
from ingest.kill_points import reached
from ingest.part_writer import PartFile, PartWriter
from ingest.reading import Counts
from ingest.redact import Redactor
from ingest.redacted_rows import RecordPosition, redact_records
from ingest.redaction_key import RedactionKey
from lake.tables import BEADS_ROWS, REDACTIONS

SOURCE = "dolt"
BATCH_BYTES = 8_000_000
BATCH_ROWS = 20_000
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

    def _look(self) -> Iterator[Change | Gone]:
        memory, begun = self._memory, time.monotonic()
        with DoltConnection(self._server) as connection:
            self._observed_at = connection.now()
            memory.refresh(self._lake)
            is_whole = memory.whole_at is None or begun - memory.whole_at >= WHOLE_LOOK_SECONDS
            since = None if is_whole or memory.looked_at is None else memory.looked_at - MARGIN
            looker = Looker(
                identity=partial(row_identity, self._key, self.stream),
                digest=lambda text: self._key.digest("dolt-record", text).hex()[:32],
                known=partial(memory.known, self._lake, self._town_id),
                projects=self._projects.get,
            )
            yield from look(connection, looker, since, self.counts)
        # Rows of a load that fails after this are still "lately" changed for the next one, by a wide margin.
        memory.looked_at = self._observed_at
        if is_whole:
            memory.whole_at = begun

    def _write_part(self, found: Iterator[Change | Gone], writer: PartWriter) -> int:
        """Write up to `PART_ROWS` rows; returns how many."""
        batch: list[Change] = []
        gone: list[Gone] = []
        written = size = 0
        for item in itertools.islice(found, PART_ROWS):
            written += 1
            self._changed_tables.add((item.project, item.table))
            if isinstance(item, Gone):
                gone.append(item)
                continue
            batch.append(item)
            size += len(item.text)
            if size >= BATCH_BYTES or len(batch) >= BATCH_ROWS:
                self._write_batch(batch, writer)
                batch, size = [], 0
        self._write_batch(batch, writer)
        self._write_gone(gone, writer)
        return written

    def _position(self, item: Change | Gone, length: int) -> RecordPosition:
        """Where a version of a row was seen: the row, the moment of the look in µs, and the length of its canonical text."""
        moment = int(self._observed_at.timestamp() * 1e6)
        return RecordPosition(item.identity, moment, 0, length)

    def _write_batch(self, batch: list[Change], writer: PartWriter) -> None:
        if not batch:
            return
        records = [(self._position(item, len(item.text)), self._town_id, item.row) for item in batch]
        redacted, replaced = redact_records(self._redactor, SOURCE, records)
        rows: list[tuple[object, ...]] = []
        for item, (position, _, _), record in zip(batch, records, redacted, strict=True):
            value = record.value
            updated = recorded_time(value.get("updated_at")) or recorded_time(value.get("created_at"))
            self.counts.see(updated)
            # The key is taken from what is written: labels and the like may hold what must not be.
            row_key = "|".join(str(value.get(name)) for name in _SPECS[item.table].key)
            bead = None if item.table in COMMONS_TABLES else value.get("issue_id") or value.get("id")
            facts = self._facts(item, row_key, bead if isinstance(bead, str) else None, "upsert", updated)
            rows.append((*facts, *position.columns(), record.text, item.digest))
        writer.add(BEADS_ROWS.name, rows)
        writer.add(REDACTIONS.name, replaced)
        writer.flush()
        self.counts.rows += len(rows)
        self.counts.redactions += len(replaced)

    def _write_gone(self, gone: list[Gone], writer: PartWriter) -> None:
        rows = [
            (*self._facts(item, item.row_key, item.bead_id, "delete", None), *self._position(item, 0).columns(), None, item.digest)
            for item in gone
        ]
        writer.add(BEADS_ROWS.name, rows)
        writer.flush()
        self.counts.rows += len(rows)

    def _facts(
        self, item: Change | Gone, row_key: str, bead: str | None, change: str, updated: datetime | None
    ) -> tuple[object, ...]:
        """The columns `town_id` … `updated_at` of a row, in the table's order."""
        return (
            self._town_id,
            item.project,
            item.database,
            SOURCE,
            item.table,
            row_key,
            bead,
            change,
            self._observed_at,
            updated,
        )
