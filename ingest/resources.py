"""How a reading's finished files become dlt resources: one resource per raw table, all from one pass over the source."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import dlt
from dlt.common.libs.pyarrow import py_arrow_to_table_schema_columns
from dlt.common.schema.typing import TSchemaContractDict
from dlt.common.storages.load_package import load_package_state
from dlt.extract import DltResource

from ingest.kill_points import reached
from ingest.part_writer import PartFile, PartWriter
from ingest.reading import Reading
from lake.tables import FILES, LOADS, QUARANTINE, RAW_TABLES, REDACTIONS

CONTRACT: TSchemaContractDict = {"tables": "evolve", "columns": "freeze", "data_type": "freeze"}
"""dlt's schema contract: the tables are those of lake/tables.py, and nothing is added to them in passing."""

Advance = Callable[[int], None]


class Loading:
    """Drives a reading and shares its finished files out to dlt resources, one resource per raw table."""

    def __init__(self, reading: Reading, folder: Path, key_fingerprint: str, advance: Advance) -> None:
        self.reading = reading
        self._folder = folder
        self._key_fingerprint = key_fingerprint
        self._advance = advance
        self._others: dict[str, list[PartFile]] = {}
        self._started = datetime.now(UTC)

    def resources(self) -> Iterator[DltResource]:
        """The source's own table first: reading it also gives the rows of the others."""
        yield self._resource(self.reading.table, self._own())
        for table in (QUARANTINE.name, REDACTIONS.name, FILES.name):
            yield self._resource(table, self._collected(table))
        yield self._resource(LOADS.name, self._load_row())

    def _resource(self, table: str, rows: Iterator[object]) -> DltResource:
        columns = py_arrow_to_table_schema_columns(RAW_TABLES[table].file_schema)
        return dlt.resource(rows, name=table, columns=columns, write_disposition="append")

    def _own(self) -> Iterator[object]:
        for parts in self.reading.parts(self._folder):
            own = [part for part in parts if part.table == self.reading.table]
            for part in parts:
                if part.table != self.reading.table:
                    self._others.setdefault(part.table, []).append(part)
            self._advance(self.reading.counts.bytes_read)
            yield from self._imports(own)
        reached("extracted")

    def _collected(self, table: str) -> Iterator[object]:
        yield from self._imports(self._others.get(table, []))

    def _imports(self, parts: list[PartFile]) -> Iterator[object]:
        for part in parts:
            yield dlt.mark.with_file_import(part.path, "parquet", part.rows)

    def _load_row(self) -> Iterator[object]:
        counts = self.reading.counts
        values: dict[str, object] = {
            "load_id": load_package_state()["load_id"],
            "stream": self.reading.stream,
            "source": self.reading.source,
            "started_at": self._started,
            "finished_at": datetime.now(UTC),
            "newest_at": counts.newest,
            "redaction_key": self._key_fingerprint,
        }
        values |= {name: value for name, value in vars(counts).items() if name in LOADS.columns}
        writer = PartWriter(self._folder, "load")
        writer.add(LOADS.name, [tuple(values[name] for name in LOADS.columns)])
        yield from self._imports(writer.close())
