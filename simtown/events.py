"""A town's `.events.jsonl`: rows of gt 1.0.1's event log, pruned as its retention rules do."""

from pathlib import Path
from typing import Any

from simtown.clock import DAY, seconds
from simtown.rows_in_order import Row, RowsInOrder
from simtown.truth import TruthWriter

_DEFAULT_DAYS = 7
RETENTION_DAYS = {
    "patrol_started": 1, "patrol_complete": 1, "polecat_checked": 1, "polecat_nudged": 1,
    "session_start": 3, "session_end": 3, "nudge": 3, "handoff": 7,
    "sling": 14, "done": 14, "hook": 14, "unhook": 14,
    "mail": 30, "session_death": 30, "merge_started": 30, "merged": 30, "merge_failed": 30, "merge_skipped": 30,
    "mass_death": 90,
}  # fmt: skip


class TownEvents:
    """Collects a town's events; those past their retention at `as_of` are left out of the file and counted."""

    def __init__(self, path: Path, town: str, as_of: int, is_pruned: bool, truth: TruthWriter) -> None:
        self._town = town
        self._as_of = as_of
        self._is_pruned = is_pruned
        self._truth = truth
        self._pruned: dict[str, int] = {}
        self._kept: dict[str, int] = {}
        self._rows = RowsInOrder(path, self._finish, sort_keys=False)

    def add(self, ms: int, kind: str, actor: str, **payload: Any) -> None:
        """One event."""
        row: Row = {"ts": seconds(ms), "source": "gt", "type": kind, "actor": actor}
        if payload:
            row["payload"] = payload
        row["visibility"] = "feed"
        self._rows.add(ms, row)

    def _finish(self, _number: int, ms: int, row: Row) -> Row | None:
        kind = row["type"]
        days = RETENTION_DAYS.get(kind, _DEFAULT_DAYS)
        is_gone = ms > self._as_of or (self._is_pruned and ms < self._as_of - days * DAY)
        counts = self._pruned if is_gone else self._kept
        counts[kind] = counts.get(kind, 0) + 1
        return None if is_gone else row

    def flush(self, until: int) -> None:
        """Write what happened before `until`."""
        self._rows.flush(until)

    def close(self) -> None:
        """Write the rest and the counts per type."""
        self._rows.close()
        for kind in sorted({*self._kept, *self._pruned}):
            self._truth.add(
                "pruned_events", town=self._town, type=kind, kept=self._kept.get(kind, 0), pruned=self._pruned.get(kind, 0)
            )
