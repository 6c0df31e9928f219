"""Which bytes of which file are in the lake.

The ledger is the raw table `files`, so it travels with the lake: a fresh machine goes on where the last one stopped. It is
committed with the rows it speaks of (see `ingest.commit`). Every load appends the new state of the files it touched; the newest
state of a file holds. What is outdated is folded away now and then.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.redaction_key import RedactionKey
from lake.commits import COMPRESSION, COMPRESSION_LEVEL, add_file, commit, remove_file
from lake.key_scan import scan_keys
from lake.location import raw_path
from lake.locks import lock
from lake.tables import FILES, SEQUENCE, open_raw

FOLD_ROWS = 20_000
FOLD_SHARE = 2.0


@dataclass(frozen=True, slots=True)
class FileState:
    """What the lake holds of one file; the columns are described in `lake.tables.FILES`."""

    file_id: str
    stream: str
    file: str
    decision: str
    generation: int
    byte_offset: int
    size_bytes: int
    modified_ns: int
    fingerprint: str
    carry: str

    def row(self) -> tuple[object, ...]:
        """The state as a row of the table `files`."""
        return tuple(getattr(self, column) for column in FILES.columns)

    def carried(self) -> dict[str, str | None]:
        """What the lines before `byte_offset` leave for the lines after it."""
        carried: dict[str, str | None] = json.loads(self.carry) if self.carry else {}
        return carried


def file_id(key: RedactionKey, stream: str, name: str) -> str:
    """Identity of a file: a keyed hash, because a path names people and projects. 32 hex characters."""
    return key.digest("file-id", json.dumps([stream, name]).encode()).hex()[:32]


def _newest(table: pa.Table) -> pa.Table:
    """The newest state per file."""
    if table.num_rows == 0:
        return table
    ordered = table.sort_by([("file_id", "ascending"), (SEQUENCE, "ascending")])
    ids = ordered.column("file_id").combine_chunks()
    is_last = pc.not_equal(ids.slice(0, len(ids) - 1), ids.slice(1))
    keep = pa.concat_arrays([is_last.combine_chunks() if isinstance(is_last, pa.ChunkedArray) else is_last, pa.array([True])])
    return ordered.filter(keep)


def read_states(lake: Path, stream: str) -> dict[str, FileState]:
    """The newest state of every file of a stream, by file id."""
    columns = FILES.file_schema.names
    newest = _newest(scan_keys(lake, FILES.name, columns, {"stream": stream})).select(columns)
    rows = zip(*(newest.column(name).to_pylist() for name in columns), strict=True)
    return {row[0]: FileState(*row) for row in rows}


def fold(lake: Path) -> int:
    """Drop outdated states once they outnumber the current ones. Returns how many rows went. The commit lock is held."""
    table = open_raw(lake, FILES.name)
    counted = sum(pa.table(table.get_add_actions()).column("num_records").to_pylist())
    if counted < FOLD_ROWS or counted < FOLD_SHARE * _newest(scan_keys(lake, FILES.name, ["file_id"], {})).num_rows:
        return 0
    columns = FILES.file_schema.names
    with lock(lake, "commit", wait=True):
        table = open_raw(lake, FILES.name)
        whole = scan_keys(lake, FILES.name, columns, {})
        current = _newest(whole)
        sequence = pc.max(current.column(SEQUENCE)).as_py()
        folder = raw_path(lake, FILES.name)
        name = f"folded-{sequence:012d}.parquet"
        pq.write_table(
            current.sort_by([("stream", "ascending"), ("file_id", "ascending")]).select(columns),
            folder / name,
            compression=COMPRESSION,
            compression_level=COMPRESSION_LEVEL,
            row_group_size=FOLD_ROWS,
        )
        gone = [remove_file(Path(path).name) for path in table.file_uris()]
        commit(table, [*gone, add_file(folder, name, FILES.statistics, {SEQUENCE: str(sequence)})])
    return int(whole.num_rows - current.num_rows)
