"""A town's database server: rows of all its beads databases that are new, changed or gone since the last look."""

from collections.abc import Iterator

import dlt
from dlt.extract import DltResource

from ingest.resources import CONTRACT, Loading


@dlt.source(name="dolt", schema_contract=CONTRACT)
def dolt(loading: Loading) -> Iterator[DltResource]:
    """A town's database server: rows of all its beads databases that are new, changed or gone since the last look."""
    yield from loading.resources()
