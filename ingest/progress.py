"""Progress of a load: bars on a terminal, plain lines elsewhere."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

PLAIN_SECONDS = 10.0
"""Without a terminal, a stream that takes longer says so this often."""


class Progress:
    """Shows how far each stream is. With `bars`, as rich progress bars on stderr; else as lines."""

    def __init__(self, bars: bool) -> None:
        self._bars: Any = None
        if bars:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
            from rich.progress import Progress as RichProgress

            console = Console(stderr=True, no_color="NO_COLOR" in os.environ)
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
            )
            self._bars = RichProgress(*columns, console=console)

    def __enter__(self) -> "Progress":
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bars is not None:
            self._bars.stop()

    @contextlib.contextmanager
    def stream(self, source: str, label: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
        """Show one stream; the block gets a function that is told the bytes read so far."""
        name = f"{source} of {label}"
        if self._bars is not None:
            task = self._bars.add_task(name, total=total_bytes or None)

            def advance_bar(done: int) -> None:
                self._bars.update(task, completed=done)

            yield advance_bar
            self._bars.update(task, total=total_bytes or 1, completed=total_bytes or 1)
            return
        told = time.monotonic()

        def advance_line(done: int) -> None:
            nonlocal told
            if time.monotonic() - told >= PLAIN_SECONDS:
                told = time.monotonic()
                print(f"{name}: {done / 1e6:,.0f} of {total_bytes / 1e6:,.0f} MB", file=sys.stderr, flush=True)

        yield advance_line
