"""One reading becomes one dlt load package and one commit."""

import os

# Before dlt is imported, since it reads its settings from the environment: offline, no state of its own, no second copy of what
# it loaded.
os.environ.update(
    {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RESTORE_FROM_DESTINATION": "false",
        "EXTRACT__NEXT_ITEM_MODE": "fifo",
        "LOAD__DELETE_COMPLETED_JOBS": "true",
        "LOAD__RAISE_ON_FAILED_JOBS": "true",
        "RUNTIME__LOG_LEVEL": "CRITICAL",
    }
)

import shutil
from pathlib import Path

import dlt

from ingest.delta_sink import DeltaSinkClient, delta_sink
from ingest.reading import Reading
from ingest.resources import Advance, Loading
from ingest.sources.beads import beads
from ingest.sources.claude import claude
from ingest.sources.dolt import dolt
from ingest.sources.labels import labels
from ingest.sources.telemetry import telemetry
from ingest.sources.town_events import town_events
from ingest.sources.town_files import town_files
from lake.location import ops_path

SOURCES = {
    "claude": claude,
    "beads": beads,
    "dolt": dolt,
    "labels": labels,
    "telemetry": telemetry,
    "town_events": town_events,
    "town_files": town_files,
}


def run_load(lake: Path, reading: Reading, key_fingerprint: str, advance: Advance) -> int:
    """Read, package and commit; returns the load's number.

    The pipeline's folder lives inside the lake and is emptied before and after: what a killed run left in it is worth nothing,
    because the ledger did not move. `advance` is told the bytes read so far.
    """
    work = ops_path(lake, "work") / reading.stream
    shutil.rmtree(work, ignore_errors=True)
    parts = work / "parts"
    parts.mkdir(parents=True)
    pipeline = dlt.pipeline(
        pipeline_name=reading.stream.replace("-", "_"),
        destination=delta_sink(lake=str(lake)),
        dataset_name="raw",
        pipelines_dir=str(work / "dlt"),
    )
    source = SOURCES[reading.source](Loading(reading, parts, key_fingerprint, advance))
    info = pipeline.run(source, loader_file_format="parquet")
    info.raise_on_failed_jobs()
    shutil.rmtree(work)
    return DeltaSinkClient.committed.pop(info.loads_ids[0])
