"""Rows with large texts in a given order, without sorting texts: a shuffle through files.

A sort of the whole would have to hold it. So rows go, in the order in which the lake has them, into files of neighbouring places,
each small enough to be sorted in memory; reading the files one after the other gives them all in order. Every text is written and
read once.
"""

from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

BUCKET, PLACE = "bucket", "place"
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


class Spool:
    """A folder of such files. `folder` must not exist; `close` removes nothing, the owner drops the folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder

    def fill(self, reader: pa.RecordBatchReader) -> None:
        """Take all rows. `reader`: has the columns `bucket` (from 0; ascending with the order) and `place` (unique)."""
        writers: dict[int, pa.ipc.RecordBatchFileWriter] = {}
        try:
            for batch in reader:
                ordered = batch.take(pc.sort_indices(batch.column(BUCKET)))
                runs = pc.run_end_encode(ordered.column(BUCKET), run_end_type=pa.int32())
                start = 0
                for bucket, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
                    if bucket not in writers:
                        writers[bucket] = pa.ipc.new_file(self._file(bucket), batch.schema, options=_OPTIONS)
                    writers[bucket].write_batch(ordered.slice(start, end - start))
                    start = end
        finally:
            for writer in writers.values():
                writer.close()

    def ordered(self) -> Iterator[dict[str, Any]]:
        """All rows in the order of `place`. Each file is removed when it was read."""
        for path in sorted(self.folder.iterdir()):
            with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
                rows = file.read_all().to_pylist()
            path.unlink()
            rows.sort(key=itemgetter(PLACE))
            yield from rows

    def _file(self, bucket: int) -> str:
        return str(self.folder / f"{bucket:06d}.arrow")
