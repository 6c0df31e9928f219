"""Exactly-once commit of one load over several Delta tables.

Delta commits one table at a time. A load touches several, so it first writes an *intent*: the list of finished Parquet files
per table, under the load's number. The files already lie in their tables' folders; committing them is a matter of metadata. Whoever
comes next, on this machine or another, finds an open intent and rolls it forward before anything else: each table is asked by its
transaction number whether it has the load, and gets it if not. Nothing of the source is needed for that, so it does not matter
whether the source has grown, shrunk or gone meanwhile.

Killed before the intent: the files are orphans that no table knows; the ledger has not moved, the next load reads the same lines.
Killed after it: the load happens, once.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from deltalake.transaction import AddAction

from ingest.kill_points import reached
from lake.commits import add_file, commit
from lake.location import ops_path, raw_path
from lake.locks import lock
from lake.tables import LOADS, RAW_TABLES, SEQUENCE, open_raw

# The ledger and the load's own row come last: what they say must be true when they say it.
_ORDER_LAST = ("files", "loads")


@dataclass(frozen=True)
class Intent:
    """A load that is on its way into the lake: its number and its finished files per raw table."""

    load_seq: int
    load_id: str
    adds: dict[str, list[AddAction]]

    def to_json(self) -> str:
        """The intent as it is stored in `<lake>/ops/intents`."""
        return json.dumps(
            {
                "load_seq": self.load_seq,
                "load_id": self.load_id,
                "adds": {table: [asdict(add) for add in adds] for table, adds in self.adds.items()},
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Intent":
        """Read a stored intent back."""
        stored = json.loads(text)
        adds = {table: [AddAction(**add) for add in adds] for table, adds in stored["adds"].items()}
        return cls(stored["load_seq"], stored["load_id"], adds)


def committed_load(root: Path) -> int:
    """Number of the newest complete load, 0 in a new lake."""
    return open_raw(root, LOADS.name).transaction_version(SEQUENCE) or 0


def _write_durably(path: Path, text: str) -> None:
    """Put a file in place whole or not at all."""
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    partial.rename(path)


def _apply(root: Path, intent: Intent, path: Path) -> None:
    """Commit every table of an intent that does not have it yet, then take the intent away."""
    order = [name for name in intent.adds if name not in _ORDER_LAST] + [name for name in _ORDER_LAST if name in intent.adds]
    for position, name in enumerate(order):
        if name == "files":
            reached("data_committed")
        commit(
            open_raw(root, name),
            intent.adds[name],
            transaction=(SEQUENCE, intent.load_seq),
            metadata={"load_id": intent.load_id},
        )
        if position == 0:
            reached("first_table_committed")
        if name == "files":
            reached("ledger_committed")
    reached("load_committed")
    path.unlink()
    reached("intent_removed")


def _roll_forward(root: Path) -> int:
    intents = sorted(ops_path(root, "intents").glob("*.json"))
    for path in intents:
        _apply(root, Intent.from_json(path.read_text(encoding="utf-8")), path)
    return len(intents)


def roll_forward(root: Path) -> int:
    """Complete the loads that a dead process left half committed. Returns how many there were."""
    if not ops_path(root, "intents").is_dir():
        return 0
    with lock(root, "commit", wait=True):
        return _roll_forward(root)


def commit_load(root: Path, load_id: str, staged: Mapping[str, list[str]]) -> int:
    """Commit a load and return its number.

    `staged`: raw table → names of finished Parquet files inside that table's folder. A load must bring its row for `raw.loads`:
    that row's commit is what makes the load complete.
    """
    if LOADS.name not in staged:
        raise ValueError(f"load {load_id} has no row for raw.{LOADS.name}; tables: {', '.join(sorted(staged))}")
    intents = ops_path(root, "intents")
    intents.mkdir(parents=True, exist_ok=True)
    with lock(root, "commit", wait=True):
        _roll_forward(root)
        sequence = committed_load(root) + 1
        adds = {
            name: [add_file(raw_path(root, name), file, RAW_TABLES[name].statistics, {SEQUENCE: str(sequence)}) for file in files]
            for name, files in staged.items()
        }
        intent = Intent(sequence, load_id, adds)
        path = intents / f"{sequence:012d}.json"
        _write_durably(path, intent.to_json())
        reached("intent_written")
        _apply(root, intent, path)
    return sequence
