"""One dbt model's rows into its Delta table: everything anew, or exchanged by key, always in one commit.

An incremental build goes on from the version its base release names. What a failed build committed after that version is dropped
by the next commit, so a build can be killed anywhere and repeated.
"""

import threading
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import DeltaTable, Schema

from lake.column_types import model_schema
from lake.commits import add_file, commit, remove_file, replace
from lake.location import model_path
from lake.model_files import write_rows
from lake.tables import properties

ROWS_PER_FILE = 50_000


@dataclass(frozen=True)
class ModelConfig:
    """What a model's config says about its table.

    `unique_key`: the grain. `touched_key`: rows are deleted and inserted by these columns; empty means append only.
    `order_by`: how rows are laid out, so that what is touched together lies together. `statistics`: id and time columns
    whose minimum and maximum go into the Delta log. `incremental`: the SQL limits itself to what is new or touched.
    """

    name: str
    schema: str
    sql: str
    unique_key: list[str] = field(default_factory=list)
    touched_key: list[str] = field(default_factory=list)
    touched_sql: str = ""
    order_by: list[str] = field(default_factory=list)
    statistics: list[str] = field(default_factory=list)
    rows_per_file: int = ROWS_PER_FILE
    incremental: bool = False

    @property
    def key(self) -> list[str]:
        """The columns in which this model tells others what it touched."""
        return self.touched_key or self.unique_key


@dataclass
class Outcome:
    """What became of a model: the version to read, and what it cost."""

    version: int
    mode: str
    rows_written: int = 0
    rows_rewritten: int = 0
    files_added: int = 0
    files_removed: int = 0
    index_bytes: int = 0
    is_changed: bool = True


def quoted(names: list[str], prefix: str = "") -> str:
    """Column names as an SQL list."""
    return ", ".join(f'{prefix}"{name}"' for name in names)


def live_files(table: DeltaTable) -> dict[str, int]:
    """The files of the table's loaded version: name → rows."""
    actions = pa.table(table.get_add_actions(flatten=True))
    return dict(zip(actions["path"].to_pylist(), actions["num_records"].to_pylist(), strict=True))


def _same_key(left: str, right: str, key: list[str]) -> str:
    return " and ".join(f'{left}."{name}" is not distinct from {right}."{name}"' for name in key)


class ModelStore:
    """Writes one model. `connection`: a cursor of the build's database; `base`: version to go on from, None to start anew."""

    def __init__(self, lake: Path, connection: duckdb.DuckDBPyConnection, config: ModelConfig, base: int | None):
        self.connection = connection
        self.config = config
        self.base = base
        self.path = model_path(lake, config.name)

    def store(self) -> Outcome:
        """Write the model's rows and return where they are. In an incremental build, `touched.<model>` is left behind."""
        schema = model_schema(self.connection, self.config.name, self.config.sql)
        self._check_columns(schema)
        if self.base is None:
            return self._write_all(self._open(schema), schema, self.config.sql)
        if self.config.incremental:
            return self._exchange(schema)
        return self._write_if_different(schema)

    def _check_columns(self, schema: pa.Schema) -> None:
        named = [*self.config.unique_key, *self.config.touched_key, *self.config.order_by, *self.config.statistics]
        missing = sorted(set(named) - set(schema.names))
        if missing:
            raise ValueError(f"model {self.config.name}: its config names columns it does not have: {', '.join(missing)}")

    def _open(self, schema: pa.Schema) -> DeltaTable:
        if not DeltaTable.is_deltatable(str(self.path)):
            self.path.mkdir(parents=True, exist_ok=True)
            DeltaTable.create(
                str(self.path),
                schema=Schema.from_arrow(schema),
                mode="ignore",
                name=self.config.name,
                configuration=properties(tuple(self.config.statistics)),
            )
        return DeltaTable(str(self.path))

    def _ordered(self, sql: str) -> str:
        return f"select * from ({sql}\n) order by {quoted(self.config.order_by)}" if self.config.order_by else sql

    def _footers(self) -> list[str]:
        config = self.config
        return list(dict.fromkeys([*config.statistics, *config.touched_key, *config.order_by]))

    def _write_all(self, table: DeltaTable, schema: pa.Schema, sql: str) -> Outcome:
        config = self.config
        written = write_rows(self.connection, self._ordered(sql), self.path, schema, config.rows_per_file, self._footers())
        removed = len(table.file_uris())
        version = replace(table, [add_file(self.path, file.name, config.statistics) for file in written], schema)
        return Outcome(
            version, "full", rows_written=sum(file.rows for file in written), files_added=len(written), files_removed=removed
        )

    def _at_base(self) -> str:
        return f"delta_scan('{self.path}', version => {self.base})"

    def _temporary(self, kind: str) -> str:
        return f'temp."{kind}_{self.config.name}_{threading.get_ident()}"'

    def _write_if_different(self, schema: pa.Schema) -> Outcome:
        """A model that is computed whole each time: written only when a row differs, and then it knows what was touched."""
        assert self.base is not None
        new = self._temporary("new")
        self.connection.execute(f"create or replace temporary table {new} as {self.config.sql}")
        try:
            columns = quoted(schema.names)
            gone = f"select {columns} from {self._at_base()} except all select {columns} from {new}"
            come = f"select {columns} from {new} except all select {columns} from {self._at_base()}"
            difference = f"({gone}) union all ({come})"
            if not self.connection.execute(f"select 1 from ({difference}) limit 1").fetchone():
                self._leave_touched(f"select {quoted(self.config.key)} from {new} limit 0")
                return Outcome(self.base, "same", is_changed=False)
            self._leave_touched(f"select {quoted(self.config.key)} from ({difference})")
            return self._write_all(self._open(schema), schema, f"select {columns} from {new}")
        finally:
            self.connection.execute(f"drop table if exists {new}")

    def _leave_touched(self, sql: str) -> None:
        if self.config.key:
            self.connection.execute(f'create or replace table touched."{self.config.name}" as select distinct * from ({sql})')

    def _exchange(self, schema: pa.Schema) -> Outcome:
        """Delete the touched keys' rows and insert the new ones."""
        assert self.base is not None
        config = self.config
        new = self._temporary("new")
        self.connection.execute(f"create or replace temporary table {new} as {config.sql}")
        try:
            keys = f"select {quoted(config.key)} from {new}"
            if config.touched_sql:
                keys += f" union all select {quoted(config.key)} from ({config.touched_sql})"
            self._leave_touched(keys)
            table = self._open(schema)
            old = live_files(DeltaTable(str(self.path), version=self.base))
            hit, index_bytes = self._files_with_touched(sorted(old)) if config.touched_key else ([], 0)
            rows = f"select {quoted(schema.names)} from {new}"
            rewritten = 0
            if hit:
                files = ", ".join(f"'{self.path / name}'" for name in hit)
                kept = (
                    f"select {quoted(schema.names, 'old.')} from read_parquet([{files}]) as old anti join "
                    f'touched."{config.name}" as touched on {_same_key("old", "touched", config.key)}'
                )
                rewritten = sum(old[name] for name in hit)
                rows = f"{kept} union all {rows}"
            written = write_rows(self.connection, self._ordered(rows), self.path, schema, config.rows_per_file, self._footers())
            if not written and not hit:
                return Outcome(self.base, "same", index_bytes=index_bytes, is_changed=False)
            version = self._commit_exchange(table, {name for name in old if name not in hit}, [file.name for file in written])
            total = sum(file.rows for file in written)
            return Outcome(version, "incremental", total, rewritten, len(written), len(hit), index_bytes)
        finally:
            self.connection.execute(f"drop table if exists {new}")

    def _files_with_touched(self, names: list[str]) -> tuple[list[str], int]:
        """Those of the files that hold a touched key, and the bytes of key columns that were read to know it."""
        if not names:
            return [], 0
        files = ", ".join(f"'{self.path / name}'" for name in names)
        found = self.connection.execute(
            f"select distinct parse_filename(old.filename) from read_parquet([{files}], filename = true) as old "
            f'semi join touched."{self.config.name}" as touched on {_same_key("old", "touched", self.config.key)}'
        ).fetchall()
        return sorted(name for (name,) in found), 0

    def _commit_exchange(self, table: DeltaTable, keep: set[str], written: list[str]) -> int:
        """Make the table hold exactly `keep` and `written`, whatever a failed build left in it."""
        now = set(live_files(table))
        back = [add_file(self.path, name, self.config.statistics) for name in sorted(keep - now)]
        new = [add_file(self.path, name, self.config.statistics) for name in written]
        return commit(table, [*(remove_file(name) for name in sorted(now - keep)), *back, *new])
