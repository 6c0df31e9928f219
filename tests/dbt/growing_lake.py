"""Lakes that grow load by load, and the question whether two lakes' models hold the same rows."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from lake.commits import add_file, commit
from lake.duck import memory
from lake.location import model_path, raw_path
from lake.releases import find_release
from lake.tables import CLAUDE_RECORDS, LOADS, RAW_TABLES, REDACTIONS, SEQUENCE, TELEMETRY_RECORDS, open_raw

Rows = Mapping[str, pa.Table]
# What is decided when a group is first seen depends on what was there then, and so does what is made of it.
DECIDED_AT_FIRST_SIGHT = {
    "int_split_ledger", "int_eval_turn_holders", "fct_splits", "fct_selection", "snapshot_rows",
}  # fmt: skip
FIRST_SECOND = 1_767_225_600  # 2026-01-01 00:00:00 UTC


def append_load(lake: Path, number: int, rows: Rows, *, is_complete: bool = True) -> None:
    """Append rows (raw table → rows) as load `number`; without its row in `raw.loads` the load is not complete."""
    tables = dict(rows)
    if is_complete:
        times = [pc.max(table["recorded_at"]).as_py() for table in rows.values() if "recorded_at" in table.schema.names]
        newest_at = max((time for time in times if time is not None), default=None)
        load = {"load_id": f"load-{number}", "stream": "test", "source": "town_events", "newest_at": newest_at}
        tables[LOADS.name] = raw_rows(LOADS.name, [load])
    for name, table in tables.items():
        folder, opened = raw_path(lake, name), open_raw(lake, name)
        file = f"load-{number:06d}.parquet"
        pq.write_table(table, folder / file)
        commit(opened, [add_file(folder, file, RAW_TABLES[name].statistics, {SEQUENCE: str(number)})])


def raw_rows(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of a raw table from dictionaries; columns that are not given are null."""
    schema = RAW_TABLES[name].file_schema
    return pa.Table.from_pylist([{column: row.get(column) for column in schema.names} for row in rows], schema=schema)


def events(*, town: str, actors: list[str | None], start: int) -> Rows:
    """One event per actor, a second apart, from second `start` on."""
    return {
        "town_events": raw_rows(
            "town_events",
            [
                {
                    "town_id": town,
                    "event_hash": f"{town}-{start + index}",
                    "occurrence": 0,
                    "event_type": "done",
                    "actor": actor,
                    "recorded_at": datetime.fromtimestamp(FIRST_SECOND + start + index, UTC),
                    "record": "{}",
                }
                for index, actor in enumerate(actors)
            ],
        )
    }


def cut_into_loads(source: Path, steps: int) -> list[Rows]:
    """The raw rows of a lake as `steps` loads in which its files grow: each load has the next stretch of every file.

    Rows without a place in a file (identity files) come with the first load, replacements in a transcript's record with the record.
    """
    connection = memory()
    in_file = "(row_number() over (partition by file_id order by generation, byte_offset) - 1)"
    part = f"({in_file} * {steps}) // count(*) over (partition by file_id)"
    connection.execute(
        f"create table steps as select concat_ws(':', file_id, generation, byte_offset) as record_key, {part} as step "
        f"from delta_scan('{raw_path(source, CLAUDE_RECORDS.name)}')"
    )
    loads: list[dict[str, pa.Table]] = [{} for _ in range(steps)]
    place_in_file = (
        f"((row_number() over (partition by file_id order by generation, byte_offset) - 1) * {steps}) "
        "// count(*) over (partition by file_id)"
    )
    for name, table in RAW_TABLES.items():
        if name == LOADS.name:
            continue
        relation = f"delta_scan('{raw_path(source, name)}')"
        if name == TELEMETRY_RECORDS.name:
            # Each record is its own file; they come in the order of their times.
            place = "row_number() over (partition by town_id order by recorded_at, event_hash, occurrence) - 1"
            step = f"(({place}) * {steps}) // count(*) over (partition by town_id)"
        elif "byte_offset" in table.columns and "file_id" in table.columns and name != "files":
            step = place_in_file
        elif name == REDACTIONS.name:
            # What was replaced in a record comes with it.
            records = f"delta_scan('{raw_path(source, CLAUDE_RECORDS.name)}')"
            keys = f"select concat_ws(':', file_id, generation, byte_offset) as record_key, {place_in_file} as place from {records}"
            relation = f"{relation} left join ({keys}) using (record_key)"
            step = "coalesce(place, 0)"
        else:
            step = "0"
        columns = ", ".join(f'"{column}"' for column in table.columns)
        for number in range(steps):
            rows = connection.execute(
                f"select {columns} from (select *, {step} as step from {relation}) where step = {number}"
            ).to_arrow_table()
            if rows.num_rows:
                loads[number][name] = rows.cast(table.file_schema)
    return list(loads)


def differing_models(left: Path, right: Path) -> dict[str, tuple[int, int]]:
    """Models whose rows differ between the newest releases of two lakes: model → (rows only left, rows only right).

    Left out are those that may differ, `DECIDED_AT_FIRST_SIGHT`.
    """
    one, other = find_release(left), find_release(right)
    assert set(one.models) == set(other.models)
    connection = memory()
    found = {}
    for name in sorted(set(one.models) - DECIDED_AT_FIRST_SIGHT):
        a = f"delta_scan('{model_path(left, name)}', version => {one.models[name]})"
        b = f"delta_scan('{model_path(right, name)}', version => {other.models[name]})"
        gone = _count(connection, f"select * from {a} except all select * from {b}")
        come = _count(connection, f"select * from {b} except all select * from {a}")
        if gone or come:
            found[name] = (gone, come)
    return found


def released_rows(lake: Path, model: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """Rows of a model in the newest release, in order."""
    version = find_release(lake).models[model]
    return sorted(
        memory().execute(f"select {columns} from delta_scan('{model_path(lake, model)}', version => {version})").fetchall(),
        key=repr,
    )


def table_files(lake: Path, model: str) -> list[str]:
    """Data files of the newest version of a model's table."""
    return DeltaTable(str(model_path(lake, model))).file_uris()


def _count(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(f"select count(*) from ({sql})").fetchone()
    assert row is not None
    return int(row[0])
