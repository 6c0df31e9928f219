"""Ground truth: JSONL files beside the towns, written as the world is generated and read back by tests."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

TABLES = (
    "towns", "startups", "sessions", "files", "episodes", "beads", "attempts", "links", "merge_requests", "forks", "subagents",
    "secrets", "identities", "clock_offsets", "databases", "pruned_events", "branches", "telemetry",
)  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """The ground truth of generated towns: one JSONL file per table of `TABLES` under `folder`."""

    folder: Path

    def rows(self, table: str) -> Iterator[dict[str, Any]]:
        """Rows of one table, in the order they were written. Errors: `KeyError` for an unknown table."""
        if table not in TABLES:
            raise KeyError(f"no ground truth table {table!r}; there are {', '.join(TABLES)}")
        with (self.folder / f"{table}.jsonl").open("rb") as lines:
            for line in lines:
                yield orjson.loads(line)

    def all(self, table: str) -> list[dict[str, Any]]:
        """All rows of one table (small worlds)."""
        return list(self.rows(table))


@dataclass
class TruthWriter:
    """Appends rows to the tables."""

    folder: Path
    counts: dict[str, int] = field(default_factory=dict)
    _open: dict[str, BinaryIO] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for table in TABLES:
            self._open[table] = (self.folder / f"{table}.jsonl").open("wb")
            self.counts[table] = 0

    def add(self, table: str, **row: Any) -> None:
        """One row. Errors: `KeyError` for an unknown table."""
        self._open[table].write(orjson.dumps(row) + b"\n")
        self.counts[table] += 1

    def close(self) -> Truth:
        """Finish every file and give the readable side."""
        for stream in self._open.values():
            stream.close()
        return Truth(self.folder)
