"""`forge snapshot pull`: a verified copy of a snapshot, from a folder or over HTTP; interrupted, it goes on where it was.

Files come one by one into the target: what is complete and has its checksum is not asked for again, what is half there is continued
(`.part`). At the end every row is proved against the id, and only then the copy gets its manifest.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from lake.snapshot_erase import erasures
from lake.snapshot_fetch import FetchError, Source
from lake.snapshot_layout import ERASED, EXCLUDED, MANIFEST
from lake.snapshot_manifest import Manifest, OtherFile, checksum, parse_manifest, read_manifest
from lake.snapshot_rows import read_rows, write_jsonl
from lake.snapshot_tables import PULLS
from lake.snapshot_verify import Verification, verify
from lake.tell import Told

Form = Literal["parquet", "jsonl"]
_UNFINISHED = f".{MANIFEST}.part"


@dataclass(frozen=True)
class Pulled:
    """What came. `bytes_copied`: by this pull, without what an earlier one had left. `is_new`: the copy was not complete before."""

    folder: Path
    manifest: Manifest
    verification: Verification
    bytes_copied: int
    is_new: bool


def pull(
    source: Source,
    target: Path,
    *,
    form: Form = "parquet",
    expected_id: str | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Pulled:
    """Copy the snapshot at `source` into the folder `target` and prove it.

    `form`: jsonl converts the data files. `expected_id`: refuse any other snapshot. `tell`: is told each file that arrives.
    Errors: `FetchError` when a file cannot be had or is not what the manifest says; `ManifestError`; `Told` when the target holds
    another snapshot, or the rows are not those of the id.
    """
    text = source.read(MANIFEST)
    manifest = parse_manifest(text, f"{source.place}/{MANIFEST}")
    if expected_id is not None and manifest.id != expected_id:
        raise Told(f"{source.place} is {manifest.name}/{manifest.short_id}, but {expected_id[:12]} is pinned")
    if (target / MANIFEST).is_file():
        there = read_manifest(target)
        if there.id != manifest.id:
            raise Told(f"{target} holds {there.name}/{there.short_id} already: name another folder")
    target.mkdir(parents=True, exist_ok=True)
    copied = _fetch_erased(source, target)
    since = {file.path: file for file in erasures(target).files}
    for data in manifest.files:
        as_made = OtherFile(data.path, data.bytes, data.sha256)
        copied += _fetch(source, target, since.get(data.path, as_made), form, tell)
    for other in manifest.others:
        copied += _fetch(source, target, other, "parquet", tell)
    verification = verify(target, manifest)
    if not verification.is_whole:
        raise Told(f"{target}: {verification.problem_count} problems; the first: {verification.problems[0]}")
    is_new = not (target / MANIFEST).is_file()
    (target / _UNFINISHED).write_bytes(text)
    (target / _UNFINISHED).replace(target / MANIFEST)
    return Pulled(target, manifest, verification, copied, is_new)


def _fetch_erased(source: Source, target: Path) -> int:
    """What the source has erased is not asked for. What the copy has erased itself stays erased here: it is only added to."""
    try:
        text = source.read(ERASED)
    except FileNotFoundError:
        return 0
    if (target / ERASED).is_file() and (target / ERASED).read_bytes() != text:
        raise Told(f"{target}: rows were erased here or there since; pull into another folder")
    (target / ERASED).write_bytes(text)
    return len(text)


def _fetch(source: Source, target: Path, file: OtherFile, form: Form, tell: Callable[[str], None]) -> int:
    """Bring one file; returns the bytes that were copied."""
    path = target / file.path
    converted = path.with_suffix(".jsonl")
    if form == "jsonl" and converted.is_file():
        return 0
    copied = 0
    if not (path.is_file() and path.stat().st_size == file.bytes and checksum(path) == file.sha256):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        try:
            copied = source.fetch(file.path, part, file.bytes)
        except FileNotFoundError:
            if file.path == EXCLUDED:  # what was published does not have it: it names who refused
                return 0
            raise
        if checksum(part) != file.sha256:
            part.unlink()
            raise FetchError(f"{source.place}/{file.path} is not what the manifest says (its checksum differs); pull again")
        part.replace(path)
        tell(f"{file.path}  {file.bytes:,} bytes")
    if form == "jsonl":
        unfinished = converted.with_name(f"{converted.name}.part")
        write_jsonl(read_rows(path), unfinished)
        unfinished.replace(converted)
        path.unlink()
    return copied


def record_pull(lake: Path, source: Source, pulled: Pulled, form: Form) -> None:
    """Note the pull in `ops.pulls`, where there is a lake."""
    if not (lake / "ops").is_dir():
        return
    row = {
        "snapshot_id": pulled.manifest.id,
        "snapshot_name": pulled.manifest.name,
        "pulled_at": datetime.now(UTC),
        "source": source.kind,
        "form": form,
        "destination": str(pulled.folder.absolute()),
        "bytes_copied": pulled.bytes_copied,
    }
    PULLS.append(lake, [row])


def read_pin(file: Path, name: str | None = None) -> tuple[str, str] | None:
    """(name, id) that a lock file pins: of the snapshot `name`, or its only one. None when it pins none of them.

    Errors: `Told` when the file is no lock file, or pins several and no name is given.
    """
    if not file.is_file():
        return None
    try:
        pins = {str(key): str(value["id"]) for key, value in json.loads(file.read_text(encoding="utf-8"))["snapshots"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Told(f"{file} is no lock file of snapshots: {error!r}") from error
    if name is None and len(pins) > 1:
        raise Told(f"{file} pins {', '.join(sorted(pins))}: name one of them")
    if name is not None:
        return (name, pins[name]) if name in pins else None
    return next(iter(pins.items()), None)


def write_pin(file: Path, manifest: Manifest) -> None:
    """Pin a snapshot by name and id; other pins of the file stay. JSON in a fixed order: it is to be kept in a repository."""
    read_pin(file, manifest.name)  # refuses what is no lock file
    pins = json.loads(file.read_text(encoding="utf-8"))["snapshots"] if file.is_file() else {}
    pins[manifest.name] = {"id": manifest.id, "rows": manifest.rows}
    unfinished = file.with_name(f".{file.name}.part")
    unfinished.write_text(json.dumps({"snapshots": dict(sorted(pins.items()))}, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(file)
