"""What is known of adapters, as rows: `train.adapters` holds every state an adapter ever had, `train.neighbours` which startups
are alike. Nothing is changed or deleted; the row with the highest `sequence` of an adapter holds.
"""

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from lake.record_table import RecordTable

_text, _number, _time, _real = pa.string(), pa.int64(), pa.timestamp("us", "UTC"), pa.float64()

CANDIDATE, CHAMPION, RETIRED, TAINTED, ALIAS = "candidate", "champion", "retired", "tainted", "alias"
STATUSES = {
    CANDIDATE: "trained or imported, not judged better than what serves",
    CHAMPION: "serves its (startup, role)",
    RETIRED: "served once, or lost",
    TAINTED: "learned from what it may not know any more; never serves again",
    ALIAS: "no adapter of its own: stands for the one in `alias_of`",
}

ADAPTERS = RecordTable(
    "train/adapters",
    "One row per state of an adapter; the highest sequence of an adapter holds.",
    {
        "sequence": (_number, "Counts the rows from 1; what was written together shares no number but one commit."),
        "changed_at": (_time, "When the state began (UTC)."),
        "adapter_id": (_text, "Hash of the adapter's files, 16 hex digits; `alias/<startup>/<role>` for an alias."),
        "role": (_text, "The trained role."),
        "startup": (_text, "The startup of an overlay; null for a base."),
        "status": (_text, "; ".join(f"{name}: {meaning}" for name, meaning in STATUSES.items())),
        "reason": (_text, "Why it has this status."),
        "decision_id": (_text, "The decision that gave it; null where a person or an import did."),
        "alias_of": (_text, "Of an alias: the adapter it stands for."),
        "learn": (_text, "shared: all its training data and its parents' may be shared; own: it serves its startup alone."),
        "base_model": (_text, "The model it adapts."),
        "tokenizer_hash": (_text, "The tokenizer its training data was cut with."),
        "snapshot_name": (_text, "Name of the snapshot it was trained on."),
        "snapshot_id": (_text, "Content id of that snapshot."),
        "run_id": (_text, "The training run; null for an import."),
        "parent_adapter_id": (_text, "The adapter its training went on from."),
        "artefact_hash": (_text, "SHA-256 over its files."),
        "local_path": (_text, "Folder of its files on this machine; null when there is none."),
        "hub_repository": (_text, "Its repository on a hub; null when it was not published."),
        "hub_revision": (_text, "The revision there."),
        "provenance": (_text, "Of an import: where it came from (JSON)."),
    },
    ("sequence", "changed_at", "adapter_id"),
)

NEIGHBOURS = RecordTable(
    "train/neighbours",
    "One row per judgement that a startup's work in a role is like another's; the highest sequence of a pair holds.",
    {
        "sequence": (_number, "Counts the rows from 1."),
        "created_at": (_time, "When it was judged (UTC)."),
        "startup": (_text, "The startup without an adapter of its own."),
        "role": (_text, "The trained role."),
        "neighbour_startup": (_text, "The startup whose overlay may stand in."),
        "similarity": (_real, "How alike they are, 0 to 1; 0 takes the judgement back."),
        "reason": (_text, "What says so."),
    },
    ("sequence", "created_at"),
)


@dataclass(frozen=True)
class Adapter:
    """An adapter as it stands: one row of `train.adapters` without its bookkeeping. Columns mean what the table says."""

    adapter_id: str
    role: str
    startup: str | None
    status: str
    reason: str
    learn: str
    base_model: str
    tokenizer_hash: str | None = None
    snapshot_name: str | None = None
    snapshot_id: str | None = None
    run_id: str | None = None
    parent_adapter_id: str | None = None
    artefact_hash: str | None = None
    local_path: str | None = None
    hub_repository: str | None = None
    hub_revision: str | None = None
    decision_id: str | None = None
    alias_of: str | None = None
    provenance: str | None = None

    @property
    def target(self) -> str:
        """`base/<role>` or `overlay/<startup>/<role>`."""
        return f"base/{self.role}" if self.startup is None else f"overlay/{self.startup}/{self.role}"


@dataclass(frozen=True)
class Neighbour:
    """One row of `train.neighbours`."""

    startup: str
    role: str
    neighbour_startup: str
    similarity: float
    reason: str


_NAMES = [field.name for field in fields(Adapter)]


def _newest(table: RecordTable, lake: Path, key: tuple[str, ...]) -> list[dict[str, Any]]:
    """The row with the highest sequence of each key, oldest first."""
    rows = sorted(table.rows(lake), key=lambda row: row["sequence"])
    found = {tuple(row[name] for name in key): row for row in rows}
    return sorted(found.values(), key=lambda row: row["sequence"])


def read_adapters(lake: Path) -> list[Adapter]:
    """Every adapter in its present state; the one whose state is oldest first."""
    return [Adapter(**{name: row[name] for name in _NAMES}) for row in _newest(ADAPTERS, lake, ("adapter_id",))]


def history(lake: Path) -> list[dict[str, Any]]:
    """Every state of every adapter, oldest first, as rows of `train.adapters`."""
    return sorted(ADAPTERS.rows(lake), key=lambda row: row["sequence"])


def write_states(lake: Path, states: list[Adapter]) -> None:
    """Append the states as one commit: all of them hold, or none. Hold the lock `registry` meanwhile."""
    last = max((row["sequence"] for row in ADAPTERS.rows(lake)), default=0)
    now = datetime.now(UTC)
    ADAPTERS.append(
        lake,
        [{"sequence": last + number, "changed_at": now, **asdict(state)} for number, state in enumerate(states, 1)],
    )


def read_neighbours(lake: Path) -> list[Neighbour]:
    """The judgements that hold, the most alike first; pairs whose similarity is 0 were taken back."""
    rows = [row for row in _newest(NEIGHBOURS, lake, ("startup", "role", "neighbour_startup")) if row["similarity"] > 0]
    found = [Neighbour(**{field.name: row[field.name] for field in fields(Neighbour)}) for row in rows]
    return sorted(found, key=lambda neighbour: (-neighbour.similarity, neighbour.neighbour_startup))


def write_neighbour(lake: Path, neighbour: Neighbour) -> None:
    """Append one judgement. Hold the lock `registry` meanwhile. Errors: `ValueError` for a similarity outside 0 to 1."""
    if not 0 <= neighbour.similarity <= 1:
        raise ValueError(f"a similarity is a number from 0 to 1, not {neighbour.similarity}")
    last = max((row["sequence"] for row in NEIGHBOURS.rows(lake)), default=0)
    NEIGHBOURS.append(lake, [{"sequence": last + 1, "created_at": datetime.now(UTC), **asdict(neighbour)}])
