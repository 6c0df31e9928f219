"""What `forge report` and `forge status` ask: views of one release, and the lake's ops tables as they are today."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from lake.catalog import show_release
from lake.duck import memory
from lake.record_views import show_record_table
from lake.releases import Release
from lake.snapshot_tables import MEMBERS, PULLS, SNAPSHOTS


@contextmanager
def release_connection(lake: Path, release: Release) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to views of exactly this release, whatever the analysts' file shows, and of the lake's ops tables today."""
    with memory() as connection:
        show_release(connection, lake, release)
        for table in (SNAPSHOTS, MEMBERS, PULLS):
            show_record_table(lake, table, connection)
        yield connection
