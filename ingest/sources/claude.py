"""Claude Code transcripts of one home: new lines of every session and sub-agent file, incremental by the ledger."""

from collections.abc import Iterator

import dlt
from dlt.extract import DltResource

from ingest.resources import CONTRACT, Loading


@dlt.source(name="claude", schema_contract=CONTRACT)
def claude(loading: Loading) -> Iterator[DltResource]:
    """Claude Code transcripts of one home: new lines of every session and sub-agent file, incremental by the ledger."""
    yield from loading.resources()
