"""A snapshot's folder from its rows: data files, leaves, the list of what was left out, the card, and the manifest last."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lake.build_kill_points import reached
from lake.commits import COMPRESSION, COMPRESSION_LEVEL
from lake.merkle import leaf_hash, root
from lake.snapshot_layout import CARD, EXCLUDED, EXCLUDED_SCHEMA, LEAF_SCHEMA, LEAVES, ROW_HASH, SCHEMAS, Format, Part
from lake.snapshot_manifest import DataFile, Manifest, checksum, describe_file, write_manifest
from lake.snapshot_rows import Row, content_of, to_batch
from lake.tell import Told

# Rows that are converted and written at once, one row group of the file. Long examples reach 100 kB.
BATCH_ROWS = 512
_OPTIONS = {"compression": COMPRESSION, "compression_level": COMPRESSION_LEVEL}


class NothingToExportError(Told):
    """No row at all: a snapshot of nothing is a mistake."""


class UnorderedRowsError(ValueError):
    """Rows of a file come in another order than by (example_key, copy), or twice."""


@dataclass
class Leaves:
    """Hashes of all rows that were written, kept as Arrow: 150 bytes a row."""

    batches: list[pa.RecordBatch] = field(default_factory=list)

    def add(self, part: Part, rows: list[Row]) -> None:
        """Note the rows of a part."""
        columns: dict[str, list[Any]] = {"part": [part.path] * len(rows)}
        columns |= {name: [row[name] for row in rows] for name in ("example_key", "copy", ROW_HASH)}
        self.batches.append(pa.RecordBatch.from_pydict(columns, schema=LEAF_SCHEMA))

    def table(self) -> pa.Table:
        """All leaves in the order of the tree: by example, then part, then copy."""
        whole = pa.Table.from_batches(self.batches, schema=LEAF_SCHEMA)
        return whole.sort_by([("example_key", "ascending"), ("part", "ascending"), ("copy", "ascending")])


def merkle_root(leaves: pa.Table) -> str:
    """Root over the leaves as they stand, in hex: the snapshot's id."""
    return root(_hashes(leaves)).hex()


def _hashes(leaves: pa.Table) -> Iterator[bytes]:
    for batch in leaves.select([ROW_HASH]).to_batches(max_chunksize=65_536):
        yield from map(bytes.fromhex, batch.column(0).to_pylist())


def write_part(folder: Path, part: Part, rows: Iterable[Row], leaves: Leaves) -> DataFile | None:
    """Write the rows of one part and note their leaves; None when there are none.

    `rows`: in the order of (example_key, copy), every column but `row_hash`. Streams: a few hundred rows are in memory at once.
    """
    schema = SCHEMAS[part.format]
    path = folder / f"{part.path}.parquet"
    count = examples = tokens = targets = 0
    before: tuple[str, int] | None = None
    writer: pq.ParquetWriter | None = None
    try:
        for batch in _batches(rows):
            contents = []
            for row in batch:
                place = (row["example_key"], row["copy"])
                if before is not None and place <= before:
                    raise UnorderedRowsError(f"{part.path}: the row {place} comes after {before}")
                before = place
                contents.append(content_of(row))
                row[ROW_HASH] = leaf_hash(contents[-1]).hex()
                examples += row["copy"] == 0
                tokens += row.get("token_count") or 0
                targets += row.get("target_token_count") or 0
            if writer is None:
                path.parent.mkdir(parents=True, exist_ok=True)
                writer = pq.ParquetWriter(path, schema, **_OPTIONS)
            writer.write_batch(to_batch(batch, contents, schema))
            leaves.add(part, batch)
            count += len(batch)
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        return None
    reached("part_written")
    return DataFile(
        path=f"{part.path}.parquet",
        part=part,
        rows=count,
        examples=examples,
        token_count=tokens,
        target_token_count=targets,
        bytes=path.stat().st_size,
        sha256=checksum(path),
    )


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    for _, batch in groupby(enumerate(rows), lambda numbered: numbered[0] // BATCH_ROWS):
        yield [row for _, row in batch]


def write_snapshot(
    folder: Path,
    name: str,
    parts: Iterable[tuple[Part, Iterable[Row]]],
    *,
    provenance: Mapping[str, Any],
    excluded: Callable[[], Iterable[pa.RecordBatch]] = tuple,
    card: Callable[[Manifest], str] = lambda manifest: f"# {manifest.name}\n",
) -> Manifest:
    """Write a whole snapshot into the empty or missing `folder` and return its manifest.

    `parts`: each data file with its rows (see `write_part`), no part twice. `provenance`: the manifest's release, inputs,
    inputs_hash, tokenizer and counts. `excluded`: gives rows of EXCLUDED_SCHEMA when the others are written. `card`: text of the
    card. Errors: `NothingToExportError` when no part has a row.
    """
    folder.mkdir(parents=True, exist_ok=True)
    leaves = Leaves()
    files = [file for part, rows in parts if (file := write_part(folder, part, rows, leaves)) is not None]
    if not files:
        raise NothingToExportError("no example of the release fits what was asked for: there is nothing to export")
    table = leaves.table()
    pq.write_table(table, folder / LEAVES, **_OPTIONS)
    with pq.ParquetWriter(folder / EXCLUDED, EXCLUDED_SCHEMA, **_OPTIONS) as writer:
        for batch in excluded():
            writer.write_batch(batch.cast(EXCLUDED_SCHEMA))
    reached("leaves_written")
    formats: list[Format] = sorted({file.part.format for file in files})
    manifest = Manifest(
        name=name,
        id=merkle_root(table),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        rows=table.num_rows,
        schema={kind: {column.name: str(column.type) for column in SCHEMAS[kind]} for kind in formats},
        files=tuple(sorted(files, key=lambda file: file.path)),
        others=(),
        **provenance,
    )
    (folder / CARD).write_text(card(manifest), encoding="utf-8")
    others = tuple(describe_file(folder, other) for other in (CARD, LEAVES, EXCLUDED))
    manifest = Manifest(**{**vars(manifest), "others": others})
    write_manifest(folder, manifest)
    _see_on_disk(folder)
    reached("manifest_written")
    return manifest


def _see_on_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
