"""When each town was last looked at.

A load without news writes nothing into the tables, so they cannot tell a quiet town from a scheduler that died. Every run of
`forge ingest` that reached a town therefore leaves a small file in `<lake>/ops/runs`: the town's name, its id and the time.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lake.location import ops_path


@dataclass(frozen=True)
class Look:
    """A town was looked at."""

    town: str
    town_id: str
    at: datetime


def note_looks(lake: Path, towns: Mapping[str, str]) -> None:
    """Write down that these towns (name → id) were read through just now."""
    folder = ops_path(lake, "runs")
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for town, town_id in towns.items():
        unfinished = folder / f"{town}.unfinished"
        unfinished.write_text(json.dumps({"town": town, "town_id": town_id, "at": now}), encoding="utf-8")
        unfinished.replace(folder / f"{town}.json")


def looks(lake: Path) -> dict[str, Look]:
    """The last look at each town, by the town's name."""
    found: dict[str, Look] = {}
    for path in sorted(ops_path(lake, "runs").glob("*.json")):
        stored = json.loads(path.read_text(encoding="utf-8"))
        found[stored["town"]] = Look(stored["town"], stored["town_id"], datetime.fromisoformat(stored["at"]))
    return found


def last_good_build(lake: Path) -> datetime | None:
    """When a complete build last ended green, with or without anything new to publish."""
    for path in sorted(ops_path(lake, "builds").glob("*.json"), reverse=True):
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["outcome"] in ("published", "unchanged"):
            return datetime.fromisoformat(stored["finished_at"])
    return None
