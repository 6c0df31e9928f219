"""A town's identity files and what `towns.yaml` declares of it, whenever their content changes."""

from collections.abc import Iterator

import dlt
from dlt.extract import DltResource

from ingest.resources import CONTRACT, Loading


@dlt.source(name="town_files", schema_contract=CONTRACT)
def town_files(loading: Loading) -> Iterator[DltResource]:
    """A town's identity files and what `towns.yaml` declares of it, whenever their content changes."""
    yield from loading.resources()
