"""`forge snapshot diff`: what came, what went, what changed between two snapshots, and why.

Why a row went stands in the later snapshot's list of what it left out, why one came in the earlier one's: nothing but the two
folders is needed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from lake.snapshot_erase import erasures
from lake.snapshot_layout import EXCLUDED, ROW_HASH
from lake.snapshot_manifest import DataFile, Manifest, read_manifest
from lake.snapshot_rows import data_path, read_rows

Change = Literal["added", "removed", "changed"]

# What is compared of rows that are in both, the telling ones first. The rest of a row is its text.
_COMPARED = {
    "outcome": "outcome_changed",
    "split": "split",
    "startup": "consent",
    "group_key": "group",
    "role": "role",
}
_COUNTS = ("token_count", "target_token_count")
_READ = ("example_key", "episode_key", "copy", *_COMPARED, *_COUNTS, ROW_HASH)
# Stage of an exclusion → how a difference calls it.
_STAGES = {
    "consent": "consent",
    "gate": "outcome_changed",
    "maturity": "maturity",
    "duplicate": "duplicate",
    "example": "recut",
    "cap": "score",
    "split": "split",
    "drift": "town_drift",
}


class RowKey(NamedTuple):
    """A row in two snapshots is the same when these are."""

    scope: str
    format: str
    example_key: str


@dataclass(frozen=True)
class RowChange:
    """One difference. `reason`: see docs/snapshots.md. `detail`: the release's own reason, or the columns that differ."""

    change: Change
    reason: str
    detail: str | None
    key: RowKey
    role: str
    episode_key: str


@dataclass(frozen=True)
class Difference:
    """From `before` to `after`. Rows count once, however often a file repeats them. `unchanged`: rows that are in both as they
    were."""

    before: Manifest
    after: Manifest
    unchanged: int
    changes: tuple[RowChange, ...]

    def counts(self) -> dict[Change, dict[str, int]]:
        """How many of each change and reason, the most first."""
        found: dict[Change, Counter[str]] = {"added": Counter(), "removed": Counter(), "changed": Counter()}
        for change in self.changes:
            found[change.change][change.reason] += 1
        return {change: dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))) for change, reasons in found.items()}


def difference(before: Path, after: Path) -> Difference:
    """Compare the snapshots in two folders. Errors: `ManifestError`."""
    first, second = read_manifest(before), read_manifest(after)
    old, new = _rows(before, first), _rows(after, second)
    changes = [
        *_one_sided("removed", old.keys() - new.keys(), old, _LeftOut(after, second, new.values())),
        *_one_sided("added", new.keys() - old.keys(), new, _LeftOut(before, first, old.values())),
    ]
    is_recut = first.tokenizer != second.tokenizer
    same = 0
    for key in sorted(old.keys() & new.keys()):
        if old[key][ROW_HASH] == new[key][ROW_HASH]:
            same += 1
        else:
            changes.append(_changed(key, old[key], new[key], is_recut))
    return Difference(first, second, same, tuple(changes))


def _rows(folder: Path, manifest: Manifest) -> dict[RowKey, Mapping[str, Any]]:
    rows: dict[RowKey, Mapping[str, Any]] = {}
    for file in manifest.files:
        for row in _light(folder, file):
            if row["copy"] == 0:
                rows[RowKey(file.part.scope, file.part.format, row["example_key"])] = row
    return rows


def _light(folder: Path, file: DataFile) -> Iterable[Mapping[str, Any]]:
    """The rows of a file without their texts."""
    path = data_path(folder, file.part.path)
    if path is None:
        return []
    if path.suffix == ".jsonl":
        return [{name: row.get(name) for name in _READ} for row in read_rows(path)]
    names = pq.read_schema(path).names
    found: list[dict[str, Any]] = pq.read_table(path, columns=[name for name in _READ if name in names]).to_pylist()
    return found


class _LeftOut:
    """What a snapshot says of rows it does not have."""

    def __init__(self, folder: Path, manifest: Manifest, present: Iterable[Mapping[str, Any]]) -> None:
        self.inputs = manifest.inputs
        table = pq.read_table(folder / EXCLUDED) if (folder / EXCLUDED).is_file() else None
        self.is_known = table is not None
        listed = (table or pa.table({})).to_pylist()
        self.rows = {(row["scope"], row["example_key"]): row for row in listed if row["example_key"] is not None}
        self.episodes = {row["episode_key"]: row for row in listed if row["example_key"] is None}
        self.present = {row["episode_key"] for row in present} | {row["episode_key"] for row in self.rows.values()}
        self.erased = {row.example_key for row in erasures(folder).rows}

    def _is_asked_for(self, key: RowKey, row: Mapping[str, Any]) -> bool:
        roles, startups = self.inputs.get("roles"), self.inputs.get("startups")
        return (
            (roles is None or row["role"] in roles)
            and (startups is None or (key.scope == "overlay" and row["startup"] in startups))
            and key.format in self.inputs.get("formats", [key.format])
        )

    def reason(self, key: RowKey, row: Mapping[str, Any], change: Change) -> tuple[str, str | None]:
        """Reason and detail: why the row is not in that snapshot."""
        if not self._is_asked_for(key, row):
            return "not_asked_for", None
        episode_key = row["episode_key"]
        found = self.rows.get((key.scope, key.example_key)) or self.episodes.get(episode_key)
        if key.example_key in self.erased:
            return "erased", None
        if found is not None:
            return _STAGES.get(found["stage"], found["stage"]), found["reason"]
        if episode_key in self.present:
            return "recut", None
        if not self.is_known:
            return "unknown", None
        return ("new_episode" if change == "added" else "gone"), None


def _one_sided(
    change: Change, keys: Iterable[RowKey], here: Mapping[RowKey, Mapping[str, Any]], left_out: _LeftOut
) -> Iterator[RowChange]:
    for key in sorted(keys):
        reason, detail = left_out.reason(key, here[key], change)
        yield RowChange(change, reason, detail, key, here[key]["role"], here[key]["episode_key"])


def _changed(key: RowKey, old: Mapping[str, Any], new: Mapping[str, Any], is_recut: bool) -> RowChange:
    differing = [name for name in (*_COMPARED, *_COUNTS) if old.get(name) != new.get(name)]
    reasons = [_COMPARED[name] for name in differing if name in _COMPARED]
    reason = reasons[0] if reasons else "recut" if is_recut else "content"
    return RowChange("changed", reason, ", ".join(differing) or "messages", key, new["role"], new["episode_key"])
