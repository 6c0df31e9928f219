"""Releases: one consistent, checked set of table versions.

`ops.releases` has one row per release and is written last of all, so its presence means that the build was complete and green.
Analysts, snapshots and training read the versions named here, never "the latest".
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from lake.record_table import RecordTable

_text, _number, _time, _flag = pa.string(), pa.int64(), pa.timestamp("us", "UTC"), pa.bool_()
_PINNED = pa.struct([("layer", _text), ("name", _text), ("version", _number)])
COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "release_id": (_text, "Content id: a hash of everything below but the times and the flags."),
    "sequence": (_number, "Counts the lake's releases from 1."),
    "created_at": (_time, "When the build published it."),
    "as_of": (_time, "The newest recorded time in the raw tables the build read; null on an empty lake."),
    "load_seq": (_number, "The newest complete load the build read: the next build's watermark."),
    "code_hash": (_text, "Hash of the dbt project that built it."),
    "policies_hash": (_text, "Hash of the policy files in force."),
    "seeds_hash": (_text, "Hash of the seeds in force."),
    "tables": (pa.list_(_PINNED), "Every table of the release with its Delta version; layer is raw or model."),
    "project_version": (_text, "Version of the dbt project."),
    "is_full": (_flag, "Built from nothing, not from the release before."),
    "is_audited": (_flag, "Its tests ran over every row, not only over the keys the build touched."),
}
RECORDS = RecordTable(
    "ops/releases",
    "One row per release: a consistent, checked set of table versions.",
    COLUMNS,
    ("release_id", "sequence", "created_at"),
)


class NoReleaseError(LookupError):
    """The lake has no release, or not the one that was asked for."""


@dataclass(frozen=True)
class Release:
    """One row of `ops.releases`. `raw`, `models`: table → Delta version."""

    release_id: str
    sequence: int
    created_at: datetime
    as_of: datetime | None
    load_seq: int
    code_hash: str
    policies_hash: str
    seeds_hash: str
    raw: dict[str, int]
    models: dict[str, int]
    project_version: str
    is_full: bool
    is_audited: bool


def content_id(
    load_seq: int, code: str, policies: str, seeds: str, raw: dict[str, int], models: dict[str, int], project_version: str
) -> str:
    """The release's id: 16 hex characters that depend on what it holds and on nothing else."""
    content = json.dumps([load_seq, code, policies, seeds, sorted(raw.items()), sorted(models.items()), project_version])
    return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


def _from_row(row: dict[str, object]) -> Release:
    tables = row.pop("tables")
    assert isinstance(tables, list)
    layers: dict[str, dict[str, int]] = {"raw": {}, "model": {}}
    for table in tables:
        layers[table["layer"]][table["name"]] = table["version"]
    return Release(**row, raw=layers["raw"], models=layers["model"])  # type: ignore[arg-type]


def releases(lake: Path) -> list[Release]:
    """All releases of the lake, oldest first."""
    rows = RECORDS.rows(lake)
    return sorted((_from_row(row) for row in rows), key=lambda release: release.sequence)


def find_release(lake: Path, release_id: str | None = None) -> Release:
    """The newest release, or the one with this id (or the only one whose id begins so). Raises `NoReleaseError`."""
    known = releases(lake)
    if not known:
        raise NoReleaseError(f"the lake {lake} has no release yet: run `forge build`")
    if release_id is None:
        return known[-1]
    fitting = [release for release in known if release.release_id.startswith(release_id)]
    if len(fitting) != 1:
        newest = ", ".join(release.release_id for release in known[-5:])
        kind = "no release" if not fitting else f"{len(fitting)} releases"
        raise NoReleaseError(f"{kind} of {lake} with an id that begins with {release_id}; the newest are {newest}")
    return fitting[0]


def write_release(lake: Path, release: Release) -> None:
    """Append one row to `ops.releases`: the act of publishing."""
    row = {name: getattr(release, name) for name in COLUMNS if name != "tables"}
    row["tables"] = [
        {"layer": layer, "name": name, "version": version}
        for layer, tables in (("raw", release.raw), ("model", release.models))
        for name, version in sorted(tables.items())
    ]
    RECORDS.append(lake, [row])


def now() -> datetime:
    """The moment of publishing, UTC."""
    return datetime.now(UTC)
