"""What every source gives to the loader: a plan that knows whether there is anything new, and the finished files of reading it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ingest.part_writer import PartFile


@dataclass
class Counts:
    """What a load did, summed over its files. `newest`: the newest recorded time among its rows.

    `problems`: what was left out and how to mend it. `notes`: what people should know although nothing is wrong.
    """

    files_seen: int = 0
    files_loaded: int = 0
    files_foreign: int = 0
    files_undecided: int = 0
    files_rewritten: int = 0
    bytes_read: int = 0
    rows: int = 0
    quarantined: int = 0
    redactions: int = 0
    newest: datetime | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, other: "Counts") -> None:
        """Sum up; the newest time is the later one."""
        for name, value in vars(other).items():
            if isinstance(value, int):
                setattr(self, name, getattr(self, name) + value)
        self.see(other.newest)
        self.problems += other.problems
        self.notes += other.notes

    def see(self, moment: datetime | None) -> None:
        """Take a row's recorded time into account."""
        if moment is not None and (self.newest is None or moment > self.newest):
            self.newest = moment


class Reading(Protocol):
    """One stream's new bytes, planned but not read yet.

    `source`: claude, beads, dolt, telemetry, town_events or town_files. `stream`: what is locked and committed as one. `label`: how
    people call it. `table`: the raw table of its rows. `bytes_planned`: how much there is to read; 0 and `is_empty` mean nothing is
    new.
    """

    source: str
    stream: str
    label: str
    table: str
    counts: Counts

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed since the last load."""
        ...

    @property
    def bytes_planned(self) -> int:
        """Bytes that are going to be read, for the progress bar."""
        ...

    def parts(self, folder: Path) -> Iterator[list[PartFile]]:
        """Read everything; yields finished files as they come. `counts` is complete when the iterator ends."""
        ...
