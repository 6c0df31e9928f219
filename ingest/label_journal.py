"""Verdicts that people, agents and scripts gave, between the keystroke that confirms one and the load that brings it into the lake.

A verdict is confirmed when its line is on the disk: one JSON object per line in `<lake>/ops/labels/<random>.jsonl`, one file per
sitting, redacted before it is written. A sitting that is killed loses nothing confirmed; whoever loads next, the reviewer's own
program or any `forge ingest`, brings the lines into `raw.labels` like the lines of any growing file, exactly once. A file whose
writer is gone and whose lines are all in the lake is removed.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from uuid import uuid4

from ingest.lines import parse_object, to_json_bytes
from ingest.redact import Redactor, Replacement
from ingest.redaction_key import RedactionKey
from lake.location import ops_path

FOLDER = "labels"
VERDICTS = ("good", "bad", "unsure")
KINDS = ("human", "agent", "script")


@dataclass(frozen=True)
class Label:
    """One verdict on one episode.

    `labeller`: a name as `LabelJournal.labeller` gives it. `cycle`: from 1. `judged`: what the scores said of the episode when the
    verdict was given, and which stratum of the sample it stood for (see `training.sample.Judged`). `labelled_at`: UTC.
    """

    town_id: str | None
    episode_key: str
    session_key: str
    cycle: int
    labeller: str
    labeller_kind: str
    verdict: str
    reason: str | None
    labelled_at: datetime
    judged: dict[str, str | float | int | bool | None]

    def __post_init__(self) -> None:
        for name, value, accepted in (("verdict", self.verdict, VERDICTS), ("labeller_kind", self.labeller_kind, KINDS)):
            if value not in accepted:
                raise ValueError(f"{name} '{value}' of episode {self.episode_key}: accepted are {', '.join(accepted)}")

    @property
    def label_id(self) -> str:
        """The verdict's identity: 32 hex characters."""
        what = [self.labeller_kind, self.labeller, self.episode_key, self.cycle, self.labelled_at.isoformat()]
        return blake2b(json.dumps(what).encode(), digest_size=16).hexdigest()

    def record(self) -> dict[str, object]:
        """The label as it is stored in `raw.labels.record`."""
        return {"label_id": self.label_id, **asdict(self), "labelled_at": self.labelled_at.isoformat()}


class LabelJournal:
    """The file of one sitting of one labeller; made by the first verdict.

    Holds the kernel's lock on the file, which says that its writer lives. `labeller`: the name, redacted. `count`: verdicts that
    were confirmed.
    """

    def __init__(self, lake: Path, key: RedactionKey, labeller: str) -> None:
        self._path = ops_path(lake, FOLDER) / f"{uuid4().hex}.jsonl"
        self._redactor = Redactor(key)
        self.labeller, self._replaced = self._redact("labeller", labeller)
        self._handle: BinaryIO | None = None
        self.count = 0

    def _redact(self, name: str, text: str | None) -> tuple[str, list[Replacement]]:
        (value, replaced), *_ = self._redactor.redact([{name: text or ""}])
        assert isinstance(value, dict)
        return value[name], replaced

    def append(self, label: Label) -> Label:
        """Redact a verdict's reason and put it on the disk; when this returns, it is confirmed. Returns it as it was written."""
        if label.labeller != self.labeller:
            raise ValueError(f"a sitting of {self.labeller} takes no verdict of somebody else")
        reason, replaced = self._redact("reason", label.reason)
        written = replace(label, reason=reason or None)
        stored = [_stored(item) for item in (*self._replaced, *replaced)]
        line = to_json_bytes({"label": written.record(), "replaced": stored}) + b"\n"
        if self._handle is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = self._path.open("xb")
            fcntl.flock(self._handle, fcntl.LOCK_EX)
            _keep_name(self._path.parent)
        self._handle.write(line)
        self._handle.flush()
        os.fsync(self._handle.fileno())
        self.count += 1
        return written

    def __enter__(self) -> "LabelJournal":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Let go of the file; its lines wait for the next load."""
        if self._handle is not None:
            self._handle.close()


def _keep_name(folder: Path) -> None:
    """A new file survives a power cut only when its folder was written too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _stored(item: Replacement) -> list[object]:
    return [item.json_path, item.start, item.end, item.rule, item.surrogate_id]


def journal_files(lake: Path) -> list[Path]:
    """The files of sittings that are not yet in the lake as a whole, or whose reviewer still sits."""
    return sorted(ops_path(lake, FOLDER).glob("*.jsonl"))


def is_being_written(path: Path) -> bool:
    """Whether the sitting that writes this file still lives."""
    with path.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def waiting_records(lake: Path) -> Iterator[dict[str, object]]:
    """Records of confirmed verdicts that may not be in `raw.labels` yet, as `Label.record` made them."""
    for path in journal_files(lake):
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # loaded and removed in this moment: its lines are in the lake
            continue
        for line in content.split(b"\n")[:-1]:
            label = (parse_object(line).value or {}).get("label")
            if isinstance(label, dict):
                yield label
