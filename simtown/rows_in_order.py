"""A file of JSON rows that are produced a little out of order and must be written in the order of their times."""

import heapq
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import orjson

Row = dict[str, Any]


class RowsInOrder:
    """Rows wait in a heap until the world has passed their time: memory holds a few days of rows, whatever the size.

    `finish` turns (number, time in ms, row) into the row that is written, or None to leave it out.
    """

    def __init__(self, path: Path, finish: Callable[[int, int, Row], Row | None], sort_keys: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream: BinaryIO = path.open("wb")
        self._finish = finish
        self._option = orjson.OPT_SORT_KEYS if sort_keys else None
        self._heap: list[tuple[int, int, Row]] = []
        self._added = 0
        self._written = 0

    def add(self, ms: int, row: Row) -> None:
        """A row that happened at `ms`."""
        self._added += 1
        heapq.heappush(self._heap, (ms, self._added, row))

    def flush(self, until: int) -> None:
        """Write every row before `until`."""
        while self._heap and self._heap[0][0] < until:
            ms, _, row = heapq.heappop(self._heap)
            self._written += 1
            finished = self._finish(self._written, ms, row)
            if finished is not None:
                self._stream.write(orjson.dumps(finished, option=self._option) + b"\n")

    def close(self) -> None:
        """Write what is left."""
        self.flush(1 << 62)
        self._stream.close()
