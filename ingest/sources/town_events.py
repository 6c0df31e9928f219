"""A town's `.events.jsonl`: events not seen before, however often the file was pruned."""

from collections.abc import Iterator

import dlt
from dlt.extract import DltResource

from ingest.resources import CONTRACT, Loading


@dlt.source(name="town_events", schema_contract=CONTRACT)
def town_events(loading: Loading) -> Iterator[DltResource]:
    """A town's `.events.jsonl`: events not seen before, however often the file was pruned."""
    yield from loading.resources()
