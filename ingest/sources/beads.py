"""JSONL exports of a town's beads databases: rows that are new, changed or gone since the last export was read."""

from collections.abc import Iterator

import dlt
from dlt.extract import DltResource

from ingest.resources import CONTRACT, Loading


@dlt.source(name="beads", schema_contract=CONTRACT)
def beads(loading: Loading) -> Iterator[DltResource]:
    """JSONL exports of a town's beads databases: rows that are new, changed or gone since the last export was read."""
    yield from loading.resources()
