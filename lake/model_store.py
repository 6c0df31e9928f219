"""One dbt model's rows into its Delta table: everything anew, or exchanged by key, always in one commit.

An incremental build goes on from the version its base release names. What a failed build committed after that version is dropped
by the next commit, so a build can be killed anywhere and repeated.
"""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import DeltaTable, Schema
from deltalake.transaction import AddAction

from lake.build_kill_points import reached
from lake.column_types import model_schema
from lake.commits import add_file, commit, remove_file, replace
from lake.duck import pinned
from lake.key_index import Hit, KnownFiles, TableFiles, files_with_keys, same_key
from lake.location import model_path
from lake.model_files import WrittenFile, order_column, quoted, read_files, write_rows
from lake.tables import properties

# A touched key rewrites the files that hold it: smaller files rewrite less, larger ones are fewer to look into.
ROWS_PER_FILE = 20_480
SMALL_FILES = 16


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
    """What became of a model: the version to read, and what it cost.

    `written`: the files this build wrote; in an incremental build they hold every row of every touched key.
    """

    version: int
    mode: str
    rows_written: int = 0
    rows_rewritten: int = 0
    files_added: int = 0
    files_removed: int = 0
    index_bytes: int = 0
    is_changed: bool = True
    written: list[str] = field(default_factory=list)


class ModelStore:
    """Writes one model. `connection`: a cursor of the build's database; `base`: version to go on from, None to start anew."""

    def __init__(
        self,
        lake: Path,
        connection: duckdb.DuckDBPyConnection,
        config: ModelConfig,
        base: int | None,
        known: KnownFiles | None = None,
    ):
        self.known = known or KnownFiles()
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
            return self._exchange(schema, self.base)
        return self._write_if_different(schema, self.base)

    def _check_columns(self, schema: pa.Schema) -> None:
        if f'touched"."{self.config.name}"' in self.config.touched_sql:
            raise ValueError(
                f"model {self.config.name}: touched_sql asks for its own keys: dbt reads config() before the build begins; "
                "put the Jinja into the text: touched_sql=\"select … from {{ touched(ref('…')) }}\""
            )
        named = [*self.config.unique_key, *self.config.touched_key, *map(order_column, self.config.order_by)]
        named += self.config.statistics
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

    def _write(self, sql: str) -> list[WrittenFile]:
        written = write_rows(self.connection, sql, self.path, self.config.rows_per_file, self.config.order_by)
        reached("files_written", self.config.name)
        return written

    def _adds(self, names: Iterable[str]) -> list[AddAction]:
        return [add_file(self.path, name, self.config.statistics) for name in names]

    def _write_all(self, table: DeltaTable, schema: pa.Schema, sql: str) -> Outcome:
        written = self._write(sql)
        removed = len(table.file_uris())
        version = replace(table, self._adds(file.name for file in written), schema)
        reached("model_committed", self.config.name)
        return Outcome(
            version,
            "full",
            rows_written=sum(file.rows for file in written),
            files_added=len(written),
            files_removed=removed,
            written=[file.name for file in written],
        )

    def _at_base(self) -> str:
        assert self.base is not None
        return pinned(self.connection, self.path, self.base)

    @contextlib.contextmanager
    def _new_rows(self) -> Iterator[str]:
        """What the model's SQL yields, as a temporary table of this connection."""
        name = f'temp."new_{self.config.name}"'
        self.connection.execute(f"create or replace temporary table {name} as {self.config.sql}")
        try:
            yield name
        finally:
            self.connection.execute(f"drop table if exists {name}")

    def _leave_touched(self, sql: str) -> str:
        """Leave the touched keys in the build's database, for the models and tests below; returns the table's name."""
        name = f'touched."{self.config.name}"'
        self.connection.execute(f"create or replace table {name} as select distinct * from ({sql})")
        return name

    def _write_if_different(self, schema: pa.Schema, base: int) -> Outcome:
        """A model that is computed whole each time: written only when a row differs, and then it knows what was touched."""
        with self._new_rows() as new:
            columns = quoted(schema.names)
            gone = f"select {columns} from {self._at_base()} except all select {columns} from {new}"
            come = f"select {columns} from {new} except all select {columns} from {self._at_base()}"
            difference = f"({gone}) union all ({come})"
            differs = self.connection.execute(f"select 1 from ({difference}) limit 1").fetchone() is not None
            if self.config.key:
                self._leave_touched(f"select {quoted(self.config.key)} from ({difference if differs else f'from {new} limit 0'})")
            if not differs:
                return Outcome(base, "same", is_changed=False)
            return self._write_all(self._open(schema), schema, f"select {columns} from {new}")

    def _exchange(self, schema: pa.Schema, base: int) -> Outcome:
        """Delete the touched keys' rows and insert the new ones."""
        config = self.config
        with self._new_rows() as new:
            before = self.known.at(self.path, base)
            old = before.rows
            hit = Hit([], 0)
            if config.key:
                keys = f"select {quoted(config.key)} from {new}"
                if config.touched_sql:
                    keys += f" union all select {quoted(config.key)} from ({config.touched_sql})"
                touched = self._leave_touched(keys)
            if config.touched_key:
                hit = files_with_keys(self.connection, before, touched, config.key)
            parts = [f"select {quoted(schema.names)} from {new}"]
            if hit.files:
                parts.append(
                    f"select {quoted(schema.names, 'old.')} from {read_files(self.path, hit.files)} as old "
                    f"anti join {touched} as touched on {same_key('old', 'touched', config.key)}"
                )
            small = self._too_many_small(old, hit.files) if self._has_rows(new) else []
            if small:
                parts.append(f"select {quoted(schema.names)} from {read_files(self.path, small)}")
            written = self._write(" union all ".join(parts))
            if not written and not hit.files:
                return Outcome(base, "same", index_bytes=hit.bytes_read, is_changed=False)
            gone = {*hit.files, *small}
            version = self._commit_exchange(set(old) - gone, [file.name for file in written], schema)
            reached("model_committed", config.name)
            return Outcome(
                version,
                "incremental",
                rows_written=sum(file.rows for file in written),
                rows_rewritten=sum(old[name] for name in gone),
                files_added=len(written),
                files_removed=len(gone),
                index_bytes=hit.bytes_read,
                written=[file.name for file in written],
            )

    def _has_rows(self, relation: str) -> bool:
        return self.connection.execute(f"select 1 from {relation} limit 1").fetchone() is not None

    def _too_many_small(self, old: dict[str, int], hit: list[str]) -> list[str]:
        """Small files are gathered into whole ones once there are `SMALL_FILES` of them, so that their number stays bounded."""
        small = [name for name, rows in old.items() if rows < self.config.rows_per_file // 4 and name not in hit]
        return sorted(small) if len(small) >= SMALL_FILES else []

    def _commit_exchange(self, keep: set[str], written: list[str], schema: pa.Schema) -> int:
        """Make the table hold exactly `keep` and `written`, whatever a failed build left in it."""
        table = self._open(schema)
        now = set(TableFiles.of(self.path).rows)
        remove = [remove_file(name) for name in sorted(now - keep)]
        return commit(table, [*remove, *self._adds(sorted(keep - now)), *self._adds(written)])
