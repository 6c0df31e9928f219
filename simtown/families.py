"""Beads that belong together: epics, duplicates, follow-ups, and beads that the reaper closes behind everybody's back."""

from simtown.beads import Bead
from simtown.clock import DAY, HOUR, MINUTE, seconds
from simtown.places import Rig
from simtown.town import Town, bead_row
from simtown.work import WorkItem


def epic(town: Town, rig: Rig, items: list[WorkItem], ms: int) -> str:
    """An epic above the items of one request (edges child —parent-child→ epic). Returns its id."""
    export = town.exports[rig.name]
    bead = Bead.create(export, ms, "mayor", f"Epic: {town.library(rig).text.title(town.dice)}", issue_type="epic")
    for item in items:
        export.dependency(ms + MINUTE, item.bead.id, bead.id, "parent-child", "mayor")
    bead.close(ms + 4 * DAY, "mayor", "All children are closed")
    _done(town, bead, "epic")
    return bead.id


def duplicate(town: Town, rig: Rig, original: Bead, ms: int) -> None:
    """Somebody filed the same thing again; it is closed with an edge duplicate —duplicates→ original."""
    bead = Bead.create(original.export, ms, f"{rig.name}/witness", str(original.row["title"]))
    bead.close(ms + HOUR, "mayor", f"Duplicate of {original.id}")
    original.export.dependency(ms + HOUR, bead.id, original.id, "duplicates", "mayor")
    _done(town, bead, "duplicate")


def follow_up(town: Town, bead: Bead, earlier: str, ms: int) -> None:
    """A bug found while working on another bead (edge new —discovered-from→ earlier)."""
    bead.export.dependency(ms, bead.id, earlier, "discovered-from", str(bead.row["created_by"]))


def reaped(town: Town, rig: Rig, ms: int) -> None:
    """A stale bead that the reaper closes with plain SQL: no history row, and `closed_at` is the server's local time."""
    bead = Bead.create(town.exports[rig.name], ms, f"{rig.name}/witness", town.library(rig).text.title(town.dice))
    local = seconds(ms + 8 * DAY + town.place.offset_hours(ms + 8 * DAY) * HOUR)
    bead.row.update(status="closed", closed_at=local, close_reason="stale:auto-closed by reaper")
    _done(town, bead, "reaped")


def _done(town: Town, bead: Bead, kind: str) -> None:
    bead.done()
    town.truth.add("beads", town=town.place.name, **bead_row(bead, kind))
