"""What the raw tables hold per town: how new, how much, how much of it set aside."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from deltalake import DeltaTable

from lake.duck import memory
from lake.location import raw_path
from lake.tables import BEADS_ROWS, CLAUDE_RECORDS, QUARANTINE, TELEMETRY_RECORDS, TOWN_EVENTS

_NEWEST = {
    CLAUDE_RECORDS.name: "recorded_at",
    TOWN_EVENTS.name: "recorded_at",
    TELEMETRY_RECORDS.name: "recorded_at",
    BEADS_ROWS.name: "updated_at",
}


@dataclass(frozen=True)
class TownNews:
    """One town in the raw tables. `town_id` is None for rows that no town could be given to."""

    town_id: str | None
    newest_at: datetime | None
    rows: int
    quarantined: int


def town_news(lake: Path) -> dict[str | None, TownNews]:
    """Every town that has rows, by its id. Reads ids and times alone, never a record."""
    parts = []
    for table in (*_NEWEST, QUARANTINE.name):
        path = raw_path(lake, table)
        if not DeltaTable.is_deltatable(str(path)):
            continue
        scan = "delta_scan('" + str(path).replace("'", "''") + "')"
        if table == QUARANTINE.name:
            parts.append(f"select town_id, null::timestamptz, 0, count(*) from {scan} group by town_id")
        else:
            parts.append(f"select town_id, max({_NEWEST[table]}), count(*), 0 from {scan} group by town_id")
    if not parts:
        return {}
    query = (
        "select town_id, max(newest_at), sum(row_count)::bigint, sum(quarantined)::bigint "
        f"from ({' union all '.join(parts)}) as news (town_id, newest_at, row_count, quarantined) group by town_id"
    )
    with memory() as connection:
        return {row[0]: TownNews(*row) for row in connection.execute(query).fetchall()}
