"""Cutting a snapshot, beside what a plain copy of the same rows costs: no order, no hashes, no files by role, nothing to prove."""

import shutil
from pathlib import Path

from bench.lakes import OUT, forge
from bench.measure import folder_mb, python, run, table
from bench.snapshot_lake import example_lake
from lake.location import model_path

_COPY = """
import sys
from lake.duck import memory
connection = memory()
connection.execute("set memory_limit = '4GB'; set preserve_insertion_order = false")
connection.execute(
    f"copy (select examples.* from delta_scan('{sys.argv[1]}') as examples semi join delta_scan('{sys.argv[2]}') as rows "
    f"on examples.example_key = rows.example_key) to '{sys.argv[3]}' (format parquet, compression zstd)"
)
"""


def create_and_find(megabytes: int) -> str:
    """Seconds and peak memory of creating, creating again and proving; 100,000 examples for a gigabyte."""
    count = 100 * megabytes
    lake = _lake(count)
    for made in ("snapshots", "ops/snapshots", "ops/snapshot_members"):
        shutil.rmtree(lake / made, ignore_errors=True)
    copied = lake / "copy.parquet"
    paths = [str(model_path(lake, name)) for name in ("fct_examples", "snapshot_rows")]
    copy = run(python("-c", _COPY, *paths, str(copied)))
    created = forge(lake, "snapshot", "create", "pool")
    again = forge(lake, "snapshot", "create", "pool")
    proved = forge(lake, "snapshot", "verify", "pool")
    written = folder_mb(lake / "snapshots")
    if created.output.split()[1] != again.output.split()[1] or "unchanged" not in again.output:
        raise RuntimeError(f"the snapshot was not found again:\n{created.output}\n{again.output}")
    rows = [
        ("plain copy, DuckDB", f"{copy.seconds:.1f} s, {copy.cpu_seconds:.1f} s of processor, peak {copy.peak_mb:,.0f} MB"),
        ("create", f"{created.seconds:.1f} s, {created.cpu_seconds:.1f} s of processor, peak {created.peak_mb:,.0f} MB"),
        ("create again", f"{again.seconds:.1f} s, the same id"),
        ("verify", f"{proved.seconds:.1f} s, peak {proved.peak_mb:,.0f} MB; {proved.output.strip()}"),
        ("files", f"{written:,.0f} MB; the plain copy has {copied.stat().st_size / 1e6:,.0f} MB"),
    ]
    return table(f"A snapshot of {count:,} examples", rows)


def _lake(count: int) -> Path:
    """A lake with one release of so many examples; made once per size and kept."""
    lake = OUT / f"snapshot-lake-{count}"
    if not (lake / "ops/releases").is_dir():
        shutil.rmtree(lake, ignore_errors=True)
        example_lake(lake, count)
    return lake
