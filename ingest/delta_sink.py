"""The dlt destination: finished Parquet files become one exactly-once Delta load.

dlt hands over one file per job. A job only moves its file into the folder of its table, where nothing knows it yet; when dlt says
that the package is complete, all files are committed together as one load (see `ingest.commit`). A file that was written well is
never encoded again.
"""

import os
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final

from dlt.common.configuration import configspec
from dlt.common.destination import Destination, DestinationCapabilitiesContext
from dlt.common.destination.client import (
    DestinationClientConfiguration,
    JobClientBase,
    LoadJob,
    RunnableLoadJob,
)
from dlt.common.destination.exceptions import DestinationTerminalException
from dlt.common.destination.typing import PreparedTableSchema

from ingest.commit import commit_load
from ingest.kill_points import reached
from lake.location import raw_path
from lake.tables import RAW_TABLES, open_raw


@configspec
class DeltaSinkConfiguration(DestinationClientConfiguration):
    """`lake`: the lake's folder."""

    destination_type: Final[str] = "delta_sink"  # type: ignore[misc]
    lake: str = ""

    def fingerprint(self) -> str:
        """dlt asks for something that tells destinations apart."""
        return self.lake


class StageFileJob(RunnableLoadJob):
    """Moves one finished file into the folder of its raw table."""

    def run(self) -> None:
        """Link or copy the file to where the commit expects it, under a name that is its own."""
        client = self._job_client
        if not isinstance(client, DeltaSinkClient):
            raise DestinationTerminalException(f"{self.file_name()} was given to a foreign destination")
        table = self.load_table_name
        open_raw(client.lake, table)
        name = f"{self._load_id}.{self.job_file_info().file_id}.parquet"
        target = raw_path(client.lake, table) / name
        partial = target.with_suffix(".partial")
        try:
            os.link(self._file_path, partial)
        except OSError:  # another file system
            shutil.copyfile(self._file_path, partial)
        partial.replace(target)
        client.stage(self._load_id, table, name)
        reached("file_staged")


class DeltaSinkClient(JobClientBase):
    """dlt's view of the lake: stages files, and commits them when their package is complete."""

    # dlt makes several clients for one load, so what was staged is kept by load, not by client.
    _staged: ClassVar[dict[str, dict[str, list[str]]]] = {}
    _guard: ClassVar[threading.Lock] = threading.Lock()
    committed: ClassVar[dict[str, int]] = {}

    @property
    def lake(self) -> Path:
        """The lake's folder."""
        config = self.config
        if not isinstance(config, DeltaSinkConfiguration):
            raise DestinationTerminalException("the delta sink was given another destination's configuration")
        return Path(config.lake)

    def stage(self, load_id: str, table: str, name: str) -> None:
        """Remember a file that waits for its package to be complete. A retried job names its file again; it counts once."""
        with self._guard:
            files = self._staged.setdefault(load_id, {}).setdefault(table, [])
            if name not in files:
                files.append(name)

    def initialize_storage(self, truncate_tables: Iterable[str] | None = None) -> None:
        """Raw tables are made when their first file arrives; nothing is ever truncated."""
        if truncate_tables and list(truncate_tables):
            raise DestinationTerminalException("raw tables are append-only: use write_disposition='append'")

    def is_storage_initialized(self) -> bool:
        """A lake is a folder; it is always ready."""
        return True

    def drop_storage(self) -> None:
        """Refused: a loader does not delete a lake."""
        raise DestinationTerminalException("the lake is not dropped by a loader")

    def create_load_job(self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False) -> LoadJob:
        """One job per finished file."""
        if table["name"] not in RAW_TABLES:
            raise DestinationTerminalException(f"raw.{table['name']} is not a table of this lake (see lake/tables.py)")
        return StageFileJob(file_path)

    def complete_load(self, load_id: str) -> None:
        """Commit everything that was staged for this package as one load."""
        reached("package_loaded")
        with self._guard:
            staged = self._staged.pop(load_id, {})
        if staged:
            DeltaSinkClient.committed[load_id] = commit_load(self.lake, load_id, staged)

    def __enter__(self) -> "DeltaSinkClient":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing is held open."""


class delta_sink(Destination[DeltaSinkConfiguration, DeltaSinkClient]):  # noqa: N801 - dlt names destinations like functions
    """`dlt.pipeline(destination=delta_sink(lake="…"))`."""

    spec = DeltaSinkConfiguration

    def __init__(self, lake: str = "", **kwargs: Any) -> None:
        super().__init__(lake=lake, **kwargs)

    def _raw_capabilities(self) -> DestinationCapabilitiesContext:
        caps = DestinationCapabilitiesContext.generic_capabilities("parquet")
        caps.supported_loader_file_formats = ["parquet"]
        caps.has_case_sensitive_identifiers = True
        caps.max_identifier_length = 200
        caps.max_column_identifier_length = 200
        caps.supports_ddl_transactions = False
        return caps

    @property
    def client_class(self) -> type[DeltaSinkClient]:
        """The job client dlt instantiates."""
        return DeltaSinkClient


delta_sink.register()
