"""What the lake knows of a town's database rows, and what a process that polls keeps of it from one poll to the next."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ingest.redaction_key import RedactionKey
from lake.key_scan import scan_keys
from lake.tables import BEADS_ROWS, open_raw

_COLUMNS = ["file_id", "row_key", "bead_id", "record_hash", "change"]


class KnownTable:
    """The newest version of every row of one table that is not gone: row identity → digest."""

    def __init__(self, versions: pa.Table) -> None:
        self.digests: dict[str, str] = {}
        self._versions = versions
        columns = (versions.column(name).to_pylist() for name in ("file_id", "record_hash", "change"))
        for identity, digest, change in zip(*columns, strict=True):  # scan_keys gives older loads first
            if change == "delete":
                self.digests.pop(identity, None)
            else:
                self.digests[identity] = digest

    def names(self, identities: Collection[str]) -> list[tuple[str, str, str | None]]:
        """(identity, row key, bead) of some rows, each once."""
        wanted = self._versions.filter(pc.is_in(self._versions.column("file_id"), pa.array(list(identities), pa.string())))
        rows = zip(*(wanted.column(name).to_pylist() for name in ("file_id", "row_key", "bead_id")), strict=True)
        return list({row[0]: row for row in rows}.values())


@dataclass
class DoltMemory:
    """What one process remembers of one server between polls; losing it costs a longer look, never a row.

    `looked_at`: the server's time at the last complete look; None before it. `whole_at`: the process's clock (seconds) when every
    row was last compared.
    """

    looked_at: datetime | None = None
    whole_at: float | None = None
    version: int = -1
    _tables: dict[tuple[str, str], KnownTable] = field(default_factory=dict)

    def refresh(self, lake: Path) -> None:
        """Forget what was read of the lake if the lake has moved on since."""
        version = open_raw(lake, BEADS_ROWS.name).version()
        if version != self.version:
            self.version = version
            self._tables.clear()

    def known(self, lake: Path, town_id: str, project: str, table: str) -> KnownTable:
        """What the lake has of a table, read at most once per version of the lake."""
        if (project, table) not in self._tables:
            wanted = {"town_id": town_id, "beads_project_id": project, "source": "dolt", "table_name": table}
            self._tables[project, table] = KnownTable(scan_keys(lake, BEADS_ROWS.name, _COLUMNS, wanted))
        return self._tables[project, table]


def row_identities(key: RedactionKey, stream: str, project: str, table: str) -> Callable[[tuple[object, ...]], str]:
    """Primary key → a row's lasting identity: 32 hex characters, keyed, since a primary key may hold what must not be written."""
    digest = key.digester("dolt-row", "\0".join((stream, project, table, "")).encode())
    return lambda primary_key: digest("\0".join(map(str, primary_key)).encode())
