"""What the lake remembers of its snapshots: `ops.snapshots`, `ops.snapshot_members`, `ops.pulls`.

The members are kept when a snapshot is dropped: whoever trained on it has seen them, and what was seen in training is never
evaluation again. Keys only, no text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lake.record_table import RecordTable

_text, _number, _time = pa.string(), pa.int64(), pa.timestamp("us", "UTC")

SNAPSHOTS = RecordTable(
    "ops/snapshots",
    "What happened to snapshots: one row per event of a snapshot.",
    {
        "snapshot_id": (_text, "Content id: the Merkle root over the hashes of its rows, in hex."),
        "snapshot_name": (_text, "The name it was created under."),
        "snapshot_sequence": (_number, "Counts the lake's snapshots from 1; all events of one snapshot share it."),
        "event": (_text, "created, erased (rows were taken out), published, dropped."),
        "happened_at": (_time, "When, by the clock of the machine that did it."),
        "release_id": (_text, "The release it was cut from."),
        "inputs_hash": (_text, "Hash of everything that decides its content: the same inputs need not be cut again."),
        "row_count": (_number, "Rows in its files: of created when it was made, of erased what was taken out."),
        "detail": (_text, "Of published the repository and tag; of erased the reason; else null."),
    },
    ("snapshot_id", "snapshot_sequence", "happened_at", "release_id"),
)
MEMBERS = RecordTable(
    "ops/snapshot_members",
    "Which examples snapshots hold: one row per snapshot, example and scope. Of a preference pair, one row per episode.",
    {
        "snapshot_id": (_text, "Content id of the snapshot."),
        "snapshot_name": (_text, "The name it was created under."),
        "snapshot_sequence": (_number, "Counts the lake's snapshots from 1."),
        "example_key": (_text, "The example, or the preference pair."),
        "episode_key": (_text, "The episode it was cut from."),
        "group_key": (_text, "The group it was split by, in the release the snapshot was cut from."),
        "split": (_text, "train, eval, test or temporal_eval, in this snapshot."),
        "scope": (_text, "base or overlay."),
        "startup": (_text, "Of an overlay: its startup. Of base: the episode's, null when it touches several."),
        "role_family": (_text, "The trained role."),
        "created_at": (_time, "When the snapshot was created."),
    },
    ("snapshot_id", "snapshot_sequence", "example_key", "episode_key", "group_key", "created_at"),
)
PULLS = RecordTable(
    "ops/pulls",
    "Who took a copy of a snapshot: one row per finished pull.",
    {
        "snapshot_id": (_text, "Content id of the snapshot that was pulled."),
        "snapshot_name": (_text, "Its name."),
        "pulled_at": (_time, "When the copy was complete and verified."),
        "source": (_text, "lake, folder or http: where it came from. No path or address."),
        "form": (_text, "parquet or jsonl."),
        "destination": (_text, "Where the copy lies, on the machine that pulled it."),
        "bytes_copied": (_number, "Bytes that were copied or downloaded by this pull, without what an earlier one had left."),
    },
    ("snapshot_id", "pulled_at"),
)


@dataclass(frozen=True)
class Member:
    """One row of `ops.snapshot_members`, without what is the same for the whole snapshot."""

    example_key: str
    episode_key: str
    group_key: str | None
    split: str
    scope: str
    startup: str | None
    role_family: str


@dataclass(frozen=True)
class Recorded:
    """A snapshot as the lake remembers it. `events`: what happened to it, oldest first. `inputs_hashes`: of all inputs that gave
    it."""

    snapshot_id: str
    snapshot_name: str
    sequence: int
    release_id: str | None
    inputs_hashes: frozenset[str]
    row_count: int
    created_at: datetime
    events: tuple[str, ...]

    @property
    def is_dropped(self) -> bool:
        """Whether its files were dropped and it was not created again since."""
        lives = [event for event in self.events if event in ("created", "dropped")]
        return lives[-1:] == ["dropped"]


def recorded(lake: Path) -> list[Recorded]:
    """All snapshots the lake remembers, dropped ones too, by their sequence."""
    by_snapshot: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in sorted(SNAPSHOTS.rows(lake), key=lambda row: row["happened_at"]):
        by_snapshot.setdefault((row["snapshot_name"], row["snapshot_id"]), []).append(row)
    found = []
    for (name, snapshot_id), events in by_snapshot.items():
        created = next(row for row in events if row["event"] == "created")
        found.append(
            Recorded(
                snapshot_id=snapshot_id,
                snapshot_name=name,
                sequence=created["snapshot_sequence"],
                release_id=created["release_id"],
                inputs_hashes=frozenset(row["inputs_hash"] for row in events if row["event"] == "created"),
                row_count=created["row_count"],
                created_at=created["happened_at"],
                events=tuple(row["event"] for row in events),
            )
        )
    return sorted(found, key=lambda snapshot: snapshot.sequence)


def write_members(lake: Path, name: str, snapshot_id: str, members: Sequence[Member], at: datetime | None = None) -> int:
    """Record a snapshot's members in one commit and return its sequence number; what is recorded already stays as it is.

    Written before the snapshot's folder appears: examples of a snapshot that nobody ever saw count as seen, never the other way.
    """
    known = _sequences(lake)
    if (name, snapshot_id) in known:
        return known[name, snapshot_id]
    sequence = max(known.values(), default=0) + 1
    same = {
        "snapshot_id": snapshot_id,
        "snapshot_name": name,
        "snapshot_sequence": sequence,
        "created_at": at or datetime.now(UTC),
    }
    MEMBERS.append(lake, [same | vars(member) for member in members])
    return sequence


def _sequences(lake: Path) -> dict[tuple[str, str], int]:
    """(name, id) → number of every snapshot whose members are recorded. One commit is one file: its first row tells."""
    columns = ["snapshot_name", "snapshot_id", "snapshot_sequence"]
    known: dict[tuple[str, str], int] = {}
    for path in MEMBERS.files(lake):
        for batch in pq.ParquetFile(path).iter_batches(batch_size=1, columns=columns):
            row = batch.to_pylist()[0]
            known[row["snapshot_name"], row["snapshot_id"]] = row["snapshot_sequence"]
            break
    return known


def write_event(
    lake: Path,
    name: str,
    snapshot_id: str,
    sequence: int,
    event: str,
    *,
    release_id: str | None = None,
    inputs_hash: str | None = None,
    row_count: int = 0,
    detail: str | None = None,
) -> None:
    """Append one row to `ops.snapshots`."""
    SNAPSHOTS.append(
        lake,
        [
            {
                "snapshot_id": snapshot_id,
                "snapshot_name": name,
                "snapshot_sequence": sequence,
                "event": event,
                "happened_at": datetime.now(UTC),
                "release_id": release_id,
                "inputs_hash": inputs_hash,
                "row_count": row_count,
                "detail": detail,
            }
        ],
    )
