"""`forge snapshot create`: a named, immutable dataset cut from one release.

Everything is written into a folder beside the snapshots, the manifest last. Then the members are recorded, the folder is renamed
to its place, and the event is recorded. Killed anywhere, the same command does what is left, and nothing that is finished.
"""

import hashlib
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from lake.build_kill_points import reached
from lake.locks import lock
from lake.recut import recut
from lake.release_description import read_description
from lake.release_views import open_release
from lake.releases import Release, find_release
from lake.snapshot_card import card
from lake.snapshot_counts import count_rows
from lake.snapshot_layout import LAYOUT_VERSION, MANIFEST, snapshot_path, snapshots_path
from lake.snapshot_manifest import Manifest, hash_of, read_manifest
from lake.snapshot_source import NEEDED, ReleaseRows, Wanted
from lake.snapshot_tables import SNAPSHOTS, Member, recorded, write_event, write_members
from lake.snapshot_write import write_snapshot
from lake.snapshots import Found, checked_name
from lake.tell import Told
from lake.tokens import file_hash

# What a snapshot may use of memory for joining and sorting keys; texts are never held whole.
MEMORY = "600MB"
# The code that decides what a row is. When it changes, the same release may give other rows.
_CODE = ("merkle.py", "snapshot_layout.py", "snapshot_rows.py", "snapshot_source.py", "snapshot_write.py")
EVERYTHING = Wanted()


@dataclass(frozen=True)
class Created:
    """What became of it. `is_new`: the files were not there before."""

    folder: Path
    manifest: Manifest
    is_new: bool


@dataclass(frozen=True)
class Order:
    """What is asked for. `tokenizer`: a tokenizer.json to count and cut by; None is the release's own. `max_tokens`: with it, no
    example may be longer."""

    name: str
    wanted: Wanted = EVERYTHING
    tokenizer: Path | None = None
    max_tokens: int | None = None


def create_snapshot(lake: Path, order: Order, release_id: str | None = None) -> Created:
    """Cut a snapshot from a release (an id or its beginning; default the newest), or find it when the same inputs gave it before.

    Errors: `Told` for a bad name, a tokenizer that cannot be read, or a release without examples; `NoReleaseError`;
    `NothingToExportError`; `LockHeldError`.
    """
    checked_name(order.name)
    release = find_release(lake, release_id)
    if missing := [name for name in NEEDED if name not in _relations(lake, release)]:
        raise Told(f"release {release.release_id} has no {missing[0]}: it was built by an older program; run `forge build`")
    inputs = _inputs(release, order)
    if (found := _made_before(lake, order.name, hash_of(inputs))) is not None:
        return found
    # A build that runs meanwhile would not know what this snapshot offers for training.
    with lock(lake, "snapshot"), lock(lake, "build"):
        _sweep(lake)
        work = snapshots_path(lake) / f".{order.name}.unfinished"
        work.mkdir(parents=True)
        try:
            return _create(lake, order, release, inputs, work)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def drop_snapshot(lake: Path, found: Found) -> None:
    """Remove a snapshot's files. That its rows were offered for training stays known. Errors: `Told` when it is not the lake's."""
    manifest = found.manifest
    folder = snapshot_path(lake, manifest.name, manifest.id)
    if found.folder.absolute() != folder.absolute():
        raise Told(f"{found.folder} is no folder of the lake {lake}: remove it yourself")
    with lock(lake, "snapshot"):
        _sweep(lake)
        gone = snapshots_path(lake) / f".{manifest.id}.dropped"
        # By one rename: nobody finds half a snapshot.
        folder.rename(gone)
        shutil.rmtree(gone)
        for snapshot in recorded(lake):
            if (snapshot.snapshot_name, snapshot.snapshot_id) == (manifest.name, manifest.id):
                write_event(lake, manifest.name, manifest.id, snapshot.sequence, "dropped")


def _sweep(lake: Path) -> None:
    """Remove what killed commands have left beside the snapshots. Only under the lock `snapshot`: nobody else is at work there."""
    for left in snapshots_path(lake).glob(".*"):
        shutil.rmtree(left)


def _relations(lake: Path, release: Release) -> set[str]:
    return {relation["name"] for relation in read_description(lake, release.release_id)["relations"]}


def _inputs(release: Release, order: Order) -> dict[str, Any]:
    """Everything that decides a snapshot's content."""
    here = Path(__file__).parent
    return {
        "release_id": release.release_id,
        "roles": order.wanted.roles,
        "startups": order.wanted.startups,
        "formats": order.wanted.formats,
        "tokenizer": file_hash(order.tokenizer) if order.tokenizer else None,
        "max_tokens": order.max_tokens,
        "layout": LAYOUT_VERSION,
        "code": hashlib.sha256(b"".join((here / name).read_bytes() for name in _CODE)).hexdigest(),
    }


def _made_before(lake: Path, name: str, inputs_hash: str) -> Created | None:
    """The snapshot of these inputs, if it is there; what an interrupted creation left unrecorded is recorded."""
    ids = {row["snapshot_id"] for row in SNAPSHOTS.rows(lake) if (row["snapshot_name"], row["inputs_hash"]) == (name, inputs_hash)}
    for snapshot_id in sorted(ids):
        folder = snapshot_path(lake, name, snapshot_id)
        if (folder / MANIFEST).is_file():
            return Created(folder, read_manifest(folder), is_new=False)
    for path in (snapshots_path(lake) / name).glob(f"*/{MANIFEST}"):
        manifest = read_manifest(path.parent)
        if manifest.inputs_hash == inputs_hash:
            with lock(lake, "snapshot"), lock(lake, "build"):
                _sweep(lake)
                _record(lake, path.parent, manifest)
            return Created(path.parent, manifest, is_new=False)
    return None


def _create(lake: Path, order: Order, release: Release, inputs: dict[str, Any], work: Path) -> Created:
    files = work / "files"
    with open_release(lake, release, work, MEMORY) as connection:
        if order.tokenizer is not None:
            recut(connection, release, order.tokenizer, work=work, max_tokens=order.max_tokens)
        rows = ReleaseRows(connection, order.wanted, work)
        provenance = {
            "release": _described(release),
            "inputs": inputs,
            "inputs_hash": hash_of(inputs),
            "tokenizer": rows.tokenizer(),
            "counts": count_rows(connection),
        }
        manifest = write_snapshot(files, order.name, rows.parts(), provenance=provenance, excluded=rows.excluded, card=card)
    folder = snapshot_path(lake, order.name, manifest.id)
    if (folder / MANIFEST).is_file():
        # Other inputs, the same rows: the snapshot is the one that is there, and next time it is found by these inputs too.
        old = read_manifest(folder)
        _record(lake, folder, old, inputs_hash=manifest.inputs_hash, release_id=release.release_id)
        return Created(folder, old, is_new=False)
    write_members(lake, order.name, manifest.id, members_of(files, manifest))
    reached("members_written")
    folder.parent.mkdir(parents=True, exist_ok=True)
    files.rename(folder)
    reached("snapshot_in_place")
    _record(lake, folder, manifest)
    return Created(folder, manifest, is_new=True)


def _record(lake: Path, folder: Path, manifest: Manifest, **other_inputs: str) -> None:
    """Write down that the snapshot exists, unless that is known."""
    known = {"inputs_hash": manifest.inputs_hash, "release_id": manifest.release["release_id"]} | other_inputs
    sequence = write_members(lake, manifest.name, manifest.id, members_of(folder, manifest))
    for snapshot in recorded(lake):
        is_same = (snapshot.snapshot_name, snapshot.snapshot_id) == (manifest.name, manifest.id)
        if is_same and not snapshot.is_dropped and known["inputs_hash"] in snapshot.inputs_hashes:
            return
    write_event(lake, manifest.name, manifest.id, sequence, "created", row_count=manifest.rows, **known)


def _described(release: Release) -> dict[str, Any]:
    """A release for the manifest. Its Delta versions say where the rows came from; they keep no table from being cleaned up."""
    described = asdict(release)
    for name in ("created_at", "as_of"):
        described[name] = described[name].isoformat() if described[name] else None
    return described


def members_of(folder: Path, manifest: Manifest) -> list[Member]:
    """The members of a snapshot from its files: every example once per scope, of a pair both episodes."""
    members = []
    for file in manifest.files:
        part = file.part
        episodes = ["episode_key"] if part.format == "sft" else ["episode_key", "rejected_episode_key"]
        table = pq.read_table(folder / file.path, columns=["example_key", "group_key", "startup", "copy", *episodes])
        for row in table.to_pylist():
            for episode in episodes if row["copy"] == 0 else ():
                members.append(
                    Member(row["example_key"], row[episode], row["group_key"], part.split, part.scope, row["startup"], part.role)
                )
    return members
