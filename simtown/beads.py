"""Beads databases: beads with their histories, written as `bd backup` exports them.

Event times are the server's local time although they are marked `Z`; application times are UTC (the reference's facts 4 and 7.6).
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from simtown.clock import HOUR, MINUTE, seconds
from simtown.dice import Dice
from simtown.noise import rate
from simtown.places import Place
from simtown.rows_in_order import Row, RowsInOrder

_OLD_EXTRA: Row = {"crystallizes": 0, "quality_score": None}
_NEW_EXTRA: Row = {"no_history": 0, "started_at": None}
_SHOWN = (
    "id", "title", "description", "notes", "status", "priority", "issue_type", "assignee", "owner", "created_at", "created_by",
    "updated_at", "closed_at", "close_reason",
)  # fmt: skip
_EMPTY = (
    "acceptance_criteria", "actor", "agent_state", "await_id", "await_type", "close_reason", "closed_by_session", "description",
    "design", "event_kind", "hook_bead", "mol_type", "notes", "payload", "rig", "role_bead", "role_type", "sender", "source_repo",
    "source_system", "spec_id", "target", "waiters", "wisp_type", "work_type",
)  # fmt: skip
_ABSENT = (
    "assignee", "closed_at", "compacted_at", "compacted_at_commit", "defer_until", "due_at", "estimated_minutes", "external_ref",
    "last_activity", "original_size",
)  # fmt: skip
_ZERO = ("compaction_level", "ephemeral", "is_template", "pinned", "timeout_ns")


def _blank() -> Row:
    row: Row = dict.fromkeys(_EMPTY, "")
    row.update(dict.fromkeys(_ABSENT))
    row.update(dict.fromkeys(_ZERO, 0))
    # closed_by_session stays empty, as in all 1,819 rows of two real backups: nothing sets it.
    row["metadata"] = "{}"
    return row


class BeadsExport:
    """The `.beads/backup` folder of one database: streams rows to its files."""

    def __init__(
        self, name: str, prefix: str, project_id: str, place: Place, folder: Path, dice: Dice, dump: Path | None = None
    ) -> None:
        self.name, self.prefix, self.project_id, self.place, self.dice, self.folder = name, prefix, project_id, place, dice, folder
        folder.mkdir(parents=True, exist_ok=True)
        self._events = RowsInOrder(folder / "events.jsonl", self._event, sort_keys=True)
        self._streams: dict[str, BinaryIO] = {
            table: (folder / f"{table}.jsonl").open("wb")
            for table in ("issues", "comments", "dependencies", "labels", "interactions")
        }
        if dump is not None:
            dump.mkdir(parents=True, exist_ok=True)
            self._streams["wisps"] = (dump / "wisps.jsonl").open("wb")
        self._comments = 0
        self._ids: set[str] = set()
        self.offsets: dict[tuple[str, int], list[int]] = {}

    def new_id(self, tail: str = "") -> str:
        """A bead id of this database; with `tail` a named one."""
        if tail:
            return f"{self.prefix}-{tail}"
        while True:
            found = f"{self.prefix}-{self.dice.base36(5)}"
            if found not in self._ids:
                self._ids.add(found)
                return found

    def event(
        self, ms: int, kind: str, actor: str, bead: str, old: str | None, new: str | None, comment: str | None = None
    ) -> None:
        """A history row; its time is what the database's clock says."""
        if self.dice.chance(rate("actor_wrong_identity")):
            actor = self.dice.choice((self.place.person, "Claude Opus 4.6"))
        offset = self.place.offset_hours(ms)
        stored = ms + offset * HOUR
        counts = self.offsets.setdefault((seconds(ms)[:7], offset), [0, 0, 0])
        counts[0] += 1
        counts[1] += kind == "created"
        if kind == "created" and self.dice.chance(rate("event_offset_deviates")):
            stored += (1 + self.dice.randrange(55)) * MINUTE
            counts[2] += 1
        row: Row = {
            "actor": actor, "comment": comment, "created_at": seconds(stored), "event_type": kind, "id": None,
            "issue_id": bead, "new_value": new, "old_value": old,
        }  # fmt: skip
        self._events.add(ms, row)

    def _event(self, number: int, _ms: int, row: Row) -> Row:
        row["id"] = number if self.place.numeric_ids else self.dice.uuid()
        return row

    def row(self, table: str, row: Row) -> None:
        """A row of a table without an order."""
        self._streams[table].write(orjson.dumps(row, option=orjson.OPT_SORT_KEYS) + b"\n")

    def comment(self, ms: int, bead: str, author: str, text: str) -> None:
        """A comment (its time is UTC)."""
        self._comments += 1
        identity: int | str = self._comments if self.place.numeric_ids else self.dice.uuid()
        self.row("comments", {"id": identity, "issue_id": bead, "author": author, "text": text, "created_at": seconds(ms)})

    def dependency(self, ms: int, bead: str, on: str, kind: str, actor: str) -> None:
        """An edge; its time is the server's local one."""
        local = seconds(ms + self.place.offset_hours(ms) * HOUR)
        row: Row = {"issue_id": bead, "depends_on_id": on, "type": kind, "created_at": local, "created_by": actor}
        if not self.place.numeric_ids:
            row.update(metadata="{}", thread_id="")
        self.row("dependencies", row)

    def flush(self, until: int) -> None:
        """Write the history before `until`."""
        self._events.flush(until)

    def close(self) -> None:
        """Write the rest."""
        self._events.close()
        for stream in self._streams.values():
            stream.close()


@dataclass
class Bead:
    """One bead and what happens to it. Every change writes the history rows that `bd` writes; `done` writes the final row."""

    export: BeadsExport
    row: Row
    labels: list[str] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    is_written: bool = False

    @classmethod
    def create(cls, export: BeadsExport, ms: int, actor: str, title: str, **fields: Any) -> "Bead":
        """A new bead; `fields` override columns (`id` for a named one)."""
        row = _blank() | (_OLD_EXTRA if export.place.numeric_ids else _NEW_EXTRA)
        identity = fields.pop("id", None) or export.new_id()
        row.update(
            id=identity, title=title, status="open", priority=2, issue_type="task", owner=export.place.owner,
            created_at=seconds(ms), created_by=actor, updated_at=seconds(ms),
        )  # fmt: skip
        row.update(fields)
        row["content_hash"] = hashlib.sha256(f"{identity}{title}".encode()).hexdigest()
        bead = cls(export, row)
        export.event(ms, "created", actor, identity, "", "")
        bead.history.append("created")
        return bead

    @property
    def id(self) -> str:
        """The bead's id."""
        return str(self.row["id"])

    def _shown(self) -> str:
        return orjson.dumps({key: self.row[key] for key in _SHOWN if self.row[key] not in ("", None)}).decode()

    def change(self, ms: int, actor: str, **fields: Any) -> None:
        """An update: the history keeps the whole old row and the changed fields."""
        old, was_closed = self._shown(), self.row["status"] == "closed"
        status = fields.get("status")
        if was_closed and status not in (None, "closed"):
            kind = "reopened"
            self.row.update(closed_at=None, close_reason="")
        elif status == "closed":
            kind = "closed"
            self.row.update(closed_at=seconds(ms))
        else:
            kind = "status_changed" if status is not None else "updated"
        self.export.event(ms, kind, actor, self.id, old, orjson.dumps(fields, option=orjson.OPT_SORT_KEYS).decode())
        self.row.update(fields, updated_at=seconds(ms))
        if status == "in_progress" and "started_at" in self.row and not self.row["started_at"]:
            self.row["started_at"] = seconds(ms)
        self.history.append(kind if status is None else f"{kind}:{status}")

    def close(self, ms: int, actor: str, reason: str) -> None:
        """`bd close`: the history row holds the reason alone. A closed bead can be closed again."""
        self.export.event(ms, "closed", actor, self.id, "", reason)
        self.row.update(status="closed", closed_at=seconds(ms), close_reason=reason, updated_at=seconds(ms))
        self.history.append("closed")

    def label(self, ms: int, actor: str, label: str) -> None:
        """Add a label."""
        self.labels.append(label)
        note = None if self.export.place.numeric_ids else f"Added label: {label}"
        self.export.event(ms, "label_added", actor, self.id, None, None, note)

    def unlabel(self, ms: int, actor: str, label: str) -> None:
        """Remove a label."""
        self.labels.remove(label)
        note = None if self.export.place.numeric_ids else f"Removed label: {label}"
        self.export.event(ms, "label_removed", actor, self.id, None, None, note)

    def done(self) -> None:
        """Write the bead as it stands now. Once."""
        if self.is_written:
            raise ValueError(f"bead {self.id} is written already")
        self.is_written = True
        self.export.row("issues", self.row)
        for label in sorted(set(self.labels)):
            self.export.row("labels", {"issue_id": self.id, "label": label})
