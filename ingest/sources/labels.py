"""Verdicts of `forge calibrate`: those that were confirmed and are not in the lake yet, however their sitting ended."""

from collections.abc import Iterator

import dlt
from dlt.extract import DltResource

from ingest.resources import CONTRACT, Loading


@dlt.source(name="labels", schema_contract=CONTRACT)
def labels(loading: Loading) -> Iterator[DltResource]:
    """Verdicts of `forge calibrate` that are not in the lake yet."""
    yield from loading.resources()
