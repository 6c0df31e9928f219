"""Taking rows out of a finished snapshot without breaking its proof.

The row's bytes go, its leaf stays: the id still stands for everything else. `erased.json` says which rows were taken out on
purpose; it is written before a file is changed, so that an interrupted erasure is known as one and can be run again.
"""

import json
import os
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.commits import COMPRESSION, COMPRESSION_LEVEL
from lake.snapshot_layout import ERASED, LEAVES
from lake.snapshot_manifest import OtherFile, describe_file, read_manifest
from lake.snapshot_rows import READ_ROWS, data_path, read_rows, write_jsonl

_OPTIONS = {"compression": COMPRESSION, "compression_level": COMPRESSION_LEVEL}


class RowPlace(NamedTuple):
    """One row of a snapshot."""

    part: str
    example_key: str
    copy: int


@dataclass(frozen=True)
class Erasures:
    """What `erased.json` says. `notes`: one per erasure, `erased_at` (ISO 8601, UTC), `reason`, `rows`. `files`: files as they are
    since, instead of what the manifest says of them."""

    notes: tuple[dict[str, Any], ...] = ()
    rows: frozenset[RowPlace] = frozenset()
    files: tuple[OtherFile, ...] = ()


def erasures(folder: Path) -> Erasures:
    """What was taken out of the snapshot in `folder` on purpose."""
    path = folder / ERASED
    if not path.is_file():
        return Erasures()
    content = json.loads(path.read_text(encoding="utf-8"))
    return Erasures(
        tuple(content["notes"]),
        frozenset(RowPlace(*row) for row in content["rows"]),
        tuple(OtherFile(**file) for file in content["files"]),
    )


def examples_of_episodes(folder: Path, episode_keys: Collection[str]) -> set[str]:
    """Keys of all examples and pairs of the snapshot that were cut from one of these episodes, for `erase_rows`."""
    asked = set(episode_keys)
    found: set[str] = set()
    for file in read_manifest(folder).files:
        path = data_path(folder, file.part.path)
        if path is None:
            continue
        if path.suffix == ".parquet":
            names = set(pq.read_schema(path).names)
            columns = [name for name in ("example_key", "episode_key", "rejected_episode_key") if name in names]
            rows: Iterable[dict[str, Any]] = pq.read_table(path, columns=columns).to_pylist()
        else:
            rows = read_rows(path)
        found |= {row["example_key"] for row in rows if asked & {row["episode_key"], row.get("rejected_episode_key")}}
    return found


def erase_rows(folder: Path, example_keys: Collection[str], reason: str) -> int:
    """Take every row of these examples out of the snapshot in `folder`; returns how many rows that were not erased before.

    `reason`: for people, without any content of the rows. Safe to repeat and to interrupt; repeating also completes what an
    interrupted erasure had noted. Files are exchanged by rename: a reader sees the old or the new one. Errors: `ManifestError`.
    """
    manifest = read_manifest(folder)
    leaves = pq.read_table(folder / LEAVES, columns=["part", "example_key", "copy"])
    hit = leaves.filter(pc.is_in(leaves["example_key"], value_set=pa.array(sorted(example_keys), pa.string())))
    before = erasures(folder)
    new = {RowPlace(**leaf) for leaf in hit.to_pylist()} - before.rows
    notes = list(before.notes)
    if new:
        notes.append({"erased_at": datetime.now(UTC).isoformat(timespec="seconds"), "reason": reason, "rows": len(new)})
    rows = before.rows | new
    _write(folder, notes, rows, before.files)
    files = {file.path: file for file in before.files}
    for file in manifest.files:
        keys = {row.example_key for row in rows if row.part == file.part.path}
        path = data_path(folder, file.part.path)
        if keys and path is not None:
            _rewrite(path, keys)
            # A copy as JSONL has no checksums to guard: its rows are proved one by one.
            if path.suffix == ".parquet":
                files[file.path] = describe_file(folder, file.path)
    _write(folder, notes, rows, files.values())
    return len(new)


def _write(folder: Path, notes: list[dict[str, Any]], rows: Collection[RowPlace], files: Iterable[OtherFile]) -> None:
    unfinished = folder / f".{ERASED}"
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump({"notes": notes, "rows": sorted(rows), "files": [asdict(each) for each in files]}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / ERASED)


def _rewrite(path: Path, keys: Collection[str]) -> None:
    """Write the file anew without the rows of these examples, if it still has one."""
    unfinished = path.with_name(f".{path.name}")
    if path.suffix == ".jsonl":
        write_jsonl((row for row in read_rows(path) if row["example_key"] not in keys), unfinished)
        unfinished.replace(path)
        return
    gone = pa.array(sorted(keys), pa.string())
    with pq.ParquetFile(path) as file:
        if not pc.any(pc.is_in(file.read(columns=["example_key"])["example_key"], value_set=gone)).as_py():
            return
        with pq.ParquetWriter(unfinished, file.schema_arrow, **_OPTIONS) as writer:
            for batch in file.iter_batches(batch_size=READ_ROWS):
                writer.write_batch(batch.filter(pc.invert(pc.is_in(batch.column("example_key"), value_set=gone))))
    unfinished.replace(path)
