"""Which rows of a raw table are in the lake already, for sources whose files are rewritten as a whole.

Only key and hash columns are read: an index read that never touches a record's text.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow.compute as pc

from lake.key_scan import scan_keys
from lake.tables import BEADS_ROWS, QUARANTINE, SEQUENCE, TELEMETRY_RECORDS, TOWN_EVENTS, TOWN_FILES


class KnownRows:
    """The newest version of every row of one table: key → digest of its source line, None where the row is gone."""

    def __init__(self, newest: dict[str, str | None]) -> None:
        self._newest = newest
        self._by_digest = {digest: key for key, digest in newest.items() if digest is not None}

    def unchanged_key(self, digest: str) -> str | None:
        """The key of the row that stands in the lake exactly as this digest says."""
        return self._by_digest.get(digest)

    def present(self) -> Iterator[tuple[str, str]]:
        """Keys and digests of the rows that are not gone."""
        return ((key, digest) for key, digest in self._newest.items() if digest is not None)


def newest_bead_rows(lake: Path, town_id: str, project: str, table: str) -> KnownRows:
    """What the lake knows of one table of a town's JSONL export."""
    wanted = {"town_id": town_id, "beads_project_id": project, "source": "jsonl", "table_name": table}
    found = scan_keys(lake, BEADS_ROWS.name, ["row_key", "record_hash", "change"], wanted)
    columns = (found.column(name).to_pylist() for name in ("row_key", "record_hash", "change", SEQUENCE))
    newest: dict[str, str | None] = {}
    for key, digest, change, _ in sorted(zip(*columns, strict=True), key=lambda row: int(row[3])):
        newest[key] = None if change == "delete" else digest
    return KnownRows(newest)


def known_events(lake: Path, town_id: str, since: datetime | None) -> Counter[str]:
    """How often each event hash of a town is in the lake, among events not older than `since` or without a time."""
    moment = pc.field("recorded_at")
    recent = None if since is None else moment.is_null() | (moment >= since)
    found = scan_keys(lake, TOWN_EVENTS.name, ["event_hash"], {"town_id": town_id}, recent)
    return Counter(found.column("event_hash").to_pylist())


def known_telemetry(lake: Path, town_id: str, since: datetime) -> Counter[str]:
    """How often each record hash of a town's telemetry is in the lake, among records not older than `since`."""
    found = scan_keys(lake, TELEMETRY_RECORDS.name, ["event_hash"], {"town_id": town_id}, pc.field("recorded_at") >= since)
    return Counter(found.column("event_hash").to_pylist())


def quarantined_lines(lake: Path, town_id: str, source: str) -> set[str]:
    """Identities (`file_id`) of a town's lines of one source that were set aside."""
    found = scan_keys(lake, QUARANTINE.name, ["file_id"], {"town_id": town_id}, pc.field("source") == source)
    return set(found.column("file_id").to_pylist())


def newest_town_files(lake: Path, town_id: str) -> dict[tuple[str, str], str]:
    """(kind, root path) → record hash of the newest version of each of a town's identity files."""
    found = scan_keys(lake, TOWN_FILES.name, ["kind", "root_path", "record_hash"], {"town_id": town_id})
    rows = zip(*(found.column(name).to_pylist() for name in ("kind", "root_path", "record_hash", SEQUENCE)), strict=True)
    return {(kind, path): digest for kind, path, digest, _ in sorted(rows, key=lambda row: row[3])}
