"""Reading a test's lake, table by table."""

from pathlib import Path
from typing import Any

from lake.key_scan import scan_keys
from lake.tables import RAW_TABLES


def rows(lake: Path, table: str) -> list[dict[str, Any]]:
    """Every row of a raw table in the order of its key."""
    raw = RAW_TABLES[table]
    found = scan_keys(lake, table, list(raw.file_schema.names), {}).to_pylist()
    return sorted(found, key=lambda row: [str(row[name]).zfill(20) for name in raw.key])


def line_numbers(lake: Path) -> list[int]:
    """The numbers that the test's records carry, sorted; a number twice is a record twice."""
    return sorted(int(row["uuid"][-12:]) for row in rows(lake, "claude_records"))
