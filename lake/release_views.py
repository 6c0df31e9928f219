"""A connection to exactly one release: a view per table under the names that models use, whatever analysts see meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from lake.catalog import show_release
from lake.duck import load_delta
from lake.releases import Release


@contextmanager
def open_release(lake: Path, release: Release, work: Path, memory: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the release. `work`: an existing folder for what does not fit into `memory` (DuckDB's words: '1GB')."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "arrow_large_buffer_size": "true",
        "memory_limit": memory,
        "temp_directory": str(work / "spill"),
        "preserve_insertion_order": "false",
    }
    with duckdb.connect(str(work / "release.duckdb"), config=settings) as connection:
        # In one transaction: each view would else be one, with its own wait for the disk.
        connection.execute("begin")
        show_release(connection, lake, release)
        connection.execute("commit")
        load_delta(connection)
        yield connection
