"""A town's telemetry (VictoriaLogs): records of the events that are asked for and that no load has seen, by span of time."""

from collections.abc import Iterator

import dlt
from dlt.extract import DltResource

from ingest.resources import CONTRACT, Loading


@dlt.source(name="telemetry", schema_contract=CONTRACT)
def telemetry(loading: Loading) -> Iterator[DltResource]:
    """A town's telemetry (VictoriaLogs): records of the events that are asked for and that no load has seen, by span of time."""
    yield from loading.resources()
