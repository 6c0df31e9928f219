"""Proof that a snapshot's files are what its id says, row by row; what was erased on purpose is told from what is damaged."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.merkle import CanonicalError
from lake.snapshot_erase import RowPlace, erasures
from lake.snapshot_layout import LEAVES, ROW_HASH
from lake.snapshot_manifest import Manifest, read_manifest
from lake.snapshot_rows import Row, data_path, read_rows, row_hash
from lake.snapshot_write import merkle_root

# Findings that are spelled out; more are counted.
SHOWN = 20


@dataclass
class Verification:
    """What was found. `rows`: rows whose hash is their leaf. `erased`: leaves whose row was erased. `problems`: everything else."""

    snapshot_id: str
    rows: int = 0
    erased: int = 0
    problem_count: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is damaged: every row is there and as it was, or was erased on purpose."""
        return self.problem_count == 0

    def complain(self, problem: str) -> None:
        """Note a problem."""
        self.problem_count += 1
        if len(self.problems) < SHOWN:
            self.problems.append(problem)


def verify(folder: Path, manifest: Manifest | None = None) -> Verification:
    """Read every row of the snapshot in `folder` and compare it with its leaf, and the leaves with the id.

    `manifest`: when it was read already. The data files may be Parquet or JSONL. Errors: `ManifestError`.
    """
    manifest = manifest or read_manifest(folder)
    result = Verification(manifest.id)
    path = folder / LEAVES
    if not path.is_file():
        result.complain(f"{LEAVES} is missing: pull the snapshot again")
        return result
    leaves = pq.read_table(path)
    if (found := merkle_root(leaves)) != manifest.id:
        result.complain(f"{LEAVES}: its root is {found}, not the id {manifest.id}: it is damaged or of another snapshot")
        return result
    erased = erasures(folder).rows
    by_part = _by_part(leaves)
    for file in manifest.files:
        part = file.part.path
        expected = by_part.pop(part, leaves.slice(0, 0))
        keys = zip(expected["example_key"].to_pylist(), expected["copy"].to_pylist(), strict=True)
        hashes = dict(zip(keys, expected[ROW_HASH].to_pylist(), strict=True))
        _compare(result, part, hashes, _rows(folder, part, result), erased)
    for part in by_part:
        result.complain(f"{part}: it has leaves, but the manifest does not name it")
    return result


def _by_part(leaves: pa.Table) -> dict[str, pa.Table]:
    ordered = leaves.sort_by("part").combine_chunks()
    if ordered.num_rows == 0:
        return {}
    runs = pc.run_end_encode(ordered["part"].combine_chunks(), run_end_type=pa.int64())
    ends = runs.run_ends.to_pylist()
    starts = [0, *ends[:-1]]
    return {part: ordered.slice(start, end - start) for part, start, end in zip(runs.values.to_pylist(), starts, ends, strict=True)}


def _rows(folder: Path, part: str, result: Verification) -> Iterator[Row]:
    path = data_path(folder, part)
    if path is None:
        return
    try:
        yield from read_rows(path)
    except (OSError, ValueError) as error:  # pyarrow's and orjson's complaints are ValueErrors or OSErrors
        result.complain(f"{part}: cannot be read further: {error}")


Leaves = dict[tuple[str, int], str]
"""(example_key, copy) → row hash"""


def _compare(result: Verification, part: str, expected: Leaves, rows: Iterator[Row], erased: frozenset[RowPlace]) -> None:
    for row in rows:
        try:
            key, found = (row["example_key"], row["copy"]), row_hash(row)
        except (KeyError, CanonicalError) as error:
            result.complain(f"{part}: a row cannot be hashed: {error!r}")
            continue
        leaf = expected.pop(key, None)
        if leaf is None:
            result.complain(f"{part}: the row {_name(key)} has no leaf, or is there twice")
        elif RowPlace(part, *key) in erased:
            result.complain(f"{part}: the row {_name(key)} was erased but is there: the erasure was interrupted, run it again")
        elif not found == leaf == row.get(ROW_HASH):
            result.complain(f"{part}: the row {_name(key)} is not what it was: its hash is not its leaf")
        else:
            result.rows += 1
    for key in sorted(expected):
        if RowPlace(part, *key) in erased:
            result.erased += 1
        else:
            result.complain(f"{part}: the row {_name(key)} is missing")


def _name(key: tuple[str, int]) -> str:
    return key[0] if key[1] == 0 else f"{key[0]} (copy {key[1]})"
