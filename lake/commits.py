"""One Delta commit from finished Parquet files.

Both writers of the lake use it: the loaders append files under a transaction number, the dbt materialization exchanges files.
Writing data and committing it are apart on purpose: what is expensive can be repeated or abandoned, the commit is one small file.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.transaction import AddAction, RemoveAction

COMPRESSION = "zstd"
COMPRESSION_LEVEL = 3


def _delta_value(value: Any, *, is_maximum: bool) -> Any:
    """A statistics value as the Delta protocol writes it; times have milliseconds, so a maximum is rounded up."""
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) + (timedelta(milliseconds=1) if is_maximum else timedelta())
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value


def file_statistics(parquet: Path, columns: Iterable[str]) -> str:
    """Delta statistics (JSON) of one Parquet file, for the named columns only, read from its footer."""
    metadata = pq.read_metadata(parquet)
    wanted = set(columns)
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    unknown: set[str] = set()
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            column = metadata.row_group(group).column(index)
            name = column.path_in_schema
            if name not in wanted:
                continue
            statistics = column.statistics
            if statistics is None or statistics.null_count is None:
                unknown.add(name)
                continue
            nulls[name] = nulls.get(name, 0) + statistics.null_count
            if statistics.has_min_max:
                low[name] = min(low[name], statistics.min) if name in low else statistics.min
                high[name] = max(high[name], statistics.max) if name in high else statistics.max
            elif statistics.null_count < column.num_values:
                unknown.add(name)
    return json.dumps(
        {
            "numRecords": metadata.num_rows,
            "minValues": {n: _delta_value(v, is_maximum=False) for n, v in low.items() if n not in unknown},
            "maxValues": {n: _delta_value(v, is_maximum=True) for n, v in high.items() if n not in unknown},
            "nullCount": {n: v for n, v in nulls.items() if n not in unknown},
        }
    )


def add_file(folder: Path, name: str, statistics: Iterable[str], partition: Mapping[str, str | None] | None = None) -> AddAction:
    """Describe the finished file `folder/name` for a commit.

    `statistics`: the columns whose minimum and maximum may go into the log. `partition`: partition column → value as text.
    """
    path = folder / name
    return AddAction(
        path=name,
        size=path.stat().st_size,
        partition_values=dict(partition or {}),
        modification_time=int(time.time() * 1000),
        data_change=True,
        stats=file_statistics(path, statistics),
    )


def remove_file(name: str) -> RemoveAction:
    """Describe a file that the commit takes out of the table. Its bytes stay until vacuum."""
    return RemoveAction(name, True, int(time.time() * 1000))


def commit(
    table: DeltaTable,
    actions: Sequence[AddAction | RemoveAction],
    *,
    transaction: tuple[str, int] | None = None,
    metadata: dict[str, str] | None = None,
) -> int:
    """Commit `actions` as one Delta version and return that version.

    `transaction`: (application, number). When the table already carries this number or a later one, nothing is committed and
    the current version is returned: a repeated commit is harmless.
    """
    if transaction is not None:
        done = table.transaction_version(transaction[0])
        if done is not None and done >= transaction[1]:
            return table.version()
    table.create_write_transaction(
        list(actions),
        mode="append",
        schema=table.schema(),
        partition_by=table.metadata().partition_columns,
        commit_properties=CommitProperties(
            custom_metadata=metadata,
            app_transactions=[Transaction(*transaction)] if transaction else None,
        ),
    )
    table.update_incremental()
    return table.version()


def replace(table: DeltaTable, adds: Sequence[AddAction], schema: pa.Schema) -> int:
    """Commit `adds` as the whole content of the table, with `schema` as its new schema; returns the version.

    Every file that was in the table is removed by the same commit. Older versions keep their schema.
    """
    table.create_write_transaction(
        list(adds), mode="overwrite", schema=Schema.from_arrow(schema), partition_by=table.metadata().partition_columns
    )
    table.update_incremental()
    return table.version()
