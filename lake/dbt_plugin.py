"""The plugin through which dbt builds the lake's models (named in `dbt_project/profiles.yml`).

dbt opens one database per invocation; the plugin puts it into the lake, takes the build lock, pins what the build reads, and
answers the macros of `dbt_project/macros/delta.sql`: it stores models, says what is new or touched, and publishes.
"""

import dataclasses
import os
import shutil
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.flags import get_flags

from lake import near_duplicates, tokens
from lake.build_state import BuildState, begin, create_raw_views
from lake.duck import attach_again, load_delta, pinned
from lake.governance import Governance, find_governance, load_governance, refuse_lost_policy
from lake.key_index import KnownFiles, files_with_keys
from lake.location import lake_root, model_path, ops_path
from lake.locks import lock
from lake.model_files import read_files
from lake.model_store import ModelConfig, ModelStore, Outcome
from lake.policy_tables import create_policy_tables
from lake.publishing import publish
from lake.record_views import create_record_views
from lake.release_description import read_policy
from lake.releases import releases

SCRATCH = "forge_scratch"
MEMORY = "FORGE_BUILD_MEMORY"
# Any of these makes an invocation build less than everything, or not for good.
_PARTIAL = ("SELECT", "EXCLUDE", "SELECTOR", "RESOURCE_TYPES", "INLINE", "EMPTY", "SAMPLE", "DEFER")
# They look at the code with rows of their own and say nothing of the lake: a build without them is complete.
_NOT_OF_THE_LAKE = {"unit_test"}


def _flags() -> Any:
    """The options of the dbt invocation this process runs."""
    flags: Any = get_flags()  # type: ignore[no-untyped-call]
    return flags


def _is_complete(flags: Any) -> bool:
    left_out = {str(kind) for kind in getattr(flags, "EXCLUDE_RESOURCE_TYPES", None) or ()}
    return flags.WHICH == "build" and left_out <= _NOT_OF_THE_LAKE and not any(getattr(flags, name, None) for name in _PARTIAL)


class Plugin(BasePlugin):
    """Alive as long as the dbt invocation; holds the build lock that long."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Find the lake. Nothing is touched before dbt opens its database."""
        self.lake = lake_root()
        self.held = ExitStack()
        self.connection: duckdb.DuckDBPyConnection | None = None
        self.state: BuildState | None = None
        self.governance = Governance()
        self.known = KnownFiles()
        self.parts: dict[tuple[str, int, str], str] = {}
        self.asked: dict[str, str] = {}
        self.one_at_a_time = threading.Lock()

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        """Take the build lock and put dbt's database into the lake; a complete build begins with a new one."""
        # Before anything is held: what is wrong with a policy must be all that dbt says.
        self.governance = self._policy()
        self.held.enter_context(lock(self.lake, "build"))
        folder = ops_path(self.lake, "scratch")
        if _is_complete(_flags()):
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        spill = folder / "spill"
        shutil.rmtree(spill, ignore_errors=True)
        creds.path = str(folder / f"{SCRATCH}.duckdb")
        config.update(
            {"temp_directory": str(spill), "preserve_insertion_order": "false", "memory_limit": os.environ.get(MEMORY, "4GB")},
        )

    def _policy(self) -> Governance:
        """Who may learn from what in this build."""
        flags = _flags()
        governance = load_governance(find_governance(Path(flags.PROJECT_DIR).absolute()))
        known = releases(self.lake) if _is_complete(flags) else []
        if known:
            refuse_lost_policy(governance, read_policy(self.lake, known[-1].release_id), known[-1].release_id)
        return governance

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Pin the lake and create what models read: `raw`, and the tables of the release the build goes on from."""
        try:
            self._open(conn)
        except Exception:
            # dbt tries again with a new plugin; that this one holds the lock would be all that its message told.
            self.held.close()
            raise

    def _open(self, conn: duckdb.DuckDBPyConnection) -> None:
        load_delta(conn)
        near_duplicates.register(conn)
        tokens.register(conn)
        attach_again(conn, self.lake)
        flags = _flags()
        variables = dict(flags.VARS or {}) if hasattr(flags, "VARS") else {}
        self.connection = conn
        state = self.state = begin(
            self.lake,
            Path(flags.PROJECT_DIR).absolute(),
            conn,
            governance=self.governance,
            full_refresh=bool(getattr(flags, "FULL_REFRESH", False)),
            complete=_is_complete(flags),
            audit=bool(variables.get("audit", False)),
            variables=variables,
        )
        create_raw_views(state, conn)
        create_policy_tables(self.governance, conn)
        create_record_views(self.lake, conn)
        for schema in ("touched", "written", "keys"):
            conn.execute(f"drop schema if exists {schema} cascade")
            conn.execute(f"create schema {schema}")

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Each of dbt's threads has its own cursor with its own session settings."""
        cursor.execute("set TimeZone = 'UTC'")

    def store(self, target_config: Any) -> None:
        """The door for the macros: the location's format says what is asked, the config carries question and answer."""
        request: dict[str, Any] = target_config.config
        answer: dict[str, Any] = request["answer"]
        action = target_config.location.format
        if action == "facts":
            answer.update(self._facts())
        elif action == "model":
            answer.update(self._store_model(request))
        elif action == "part":
            answer["sql"] = self._part(request["name"], request["keys"])
        elif action == "keys":
            answer["sql"] = self._keys(request["name"], request["sql"])
        elif action == "released":
            answer["sql"] = self._released(request["name"])
        elif action == "publish":
            answer["message"] = publish(self._begun(), self._cursor(), request["results"], request["graph"], request["version"])
        else:
            raise ValueError(f"the lake plugin does not know the request {action!r}")

    def _begun(self) -> BuildState:
        if self.state is None:
            raise RuntimeError("the build has not begun: dbt has not opened its database yet")
        return self.state

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        assert self.connection is not None
        cursor = self.connection.cursor()
        cursor.execute("set TimeZone = 'UTC'")
        return cursor

    def _facts(self) -> dict[str, Any]:
        state = self._begun()
        return {
            "incremental": state.base is not None,
            "reason": state.reason,
            "base": state.base.release_id if state.base else None,
            "watermark": state.watermark,
            "load_seq": state.load_seq,
            "as_of": state.as_of.isoformat() if state.as_of else None,
            "audit": state.audit,
            "governance": str(state.governance.path) if state.governance.path else None,
            # A copy: another thread may store a model meanwhile.
            "touched": {name: outcome["key"] for name, outcome in list(state.outcomes.items()) if outcome["key"]},
        }

    def _base_version(self, name: str) -> int | None:
        state = self._begun()
        return state.base.models.get(name) if state.base else None

    def _store_model(self, request: dict[str, Any]) -> dict[str, Any]:
        known = {field.name for field in dataclasses.fields(ModelConfig)}
        config = ModelConfig(**{name: value for name, value in request.items() if name in known})
        base = self._base_version(config.name)
        cursor = self._cursor()
        try:
            if base is not None:  # the model's own SQL may read what it holds so far
                self._show(cursor, config.schema, config.name, base)
            outcome = ModelStore(self.lake, cursor, config, base, self.known).store()
            self._show(cursor, config.schema, config.name, outcome.version)
            if base is not None:
                self._show_written(cursor, config, outcome)
        finally:
            cursor.close()
        cost = dataclasses.asdict(outcome)
        del cost["written"]  # the log of builds says how many
        result = {**cost, "key": config.key if self._begun().base else []}
        self._begun().outcomes[config.name] = result
        return result

    def _show_written(self, cursor: duckdb.DuckDBPyConnection, config: ModelConfig, outcome: Outcome) -> None:
        """`written.<model>`: the files this build wrote, which hold all rows of the touched keys."""
        rows = f'select * from "{config.schema}"."{config.name}" limit 0'
        if outcome.written:
            rows = f"select * from {read_files(model_path(self.lake, config.name), outcome.written)}"
        cursor.execute(f'create or replace view written."{config.name}" as {rows}')

    def _keys(self, name: str, sql: str) -> str:
        """The rows of a query that many models ask, asked once per build: SQL that reads them."""
        with self.one_at_a_time, self._cursor() as cursor:
            if self.asked.setdefault(name, sql) != sql:
                raise ValueError(f"asked_once: two different queries are called {name}; give one of them another name")
            cursor.execute(f'create table if not exists keys."{name}" as {sql}')
        return f'select * from keys."{name}"'

    def _part(self, name: str, keys: str) -> str:
        """SQL for the rows of those files of a model that hold one of `keys` (a query of key columns named as in the model)."""
        state = self._begun()
        outcome = state.outcomes.get(name)
        # A model that is not built yet can only be asked by itself, for what it holds so far.
        version = outcome["version"] if outcome else self._base_version(name)
        if version is None:
            raise ValueError(f"part_of: {name} is no delta model that this build has built before")
        asked = (name, version, keys)
        if asked not in self.parts:
            folder = model_path(self.lake, name)
            with self._cursor() as cursor:
                columns = [column for column, *_ in cursor.execute(f"describe {keys}").fetchall()]
                hit = files_with_keys(cursor, self.known.at(folder, version), f"({keys})", columns)
                found = read_files(folder, hit.files) if hit.files else f"(from {pinned(cursor, folder, version)} limit 0)"
            if outcome:
                outcome["index_bytes"] += hit.bytes_read
            self.parts[asked] = found
        return self.parts[asked]

    def _released(self, name: str) -> str | None:
        """What the last release holds of a model, also when this build starts from nothing; None when it holds nothing of it."""
        last = self._begun().last
        if last is None or name not in last.models:
            return None
        with self._cursor() as cursor:
            return pinned(cursor, model_path(self.lake, name), last.models[name])

    def _show(self, cursor: duckdb.DuckDBPyConnection, schema: str, name: str, version: int) -> None:
        cursor.execute(f'create schema if not exists "{schema}"')
        cursor.execute(f'create or replace view "{schema}"."{name}" as from {pinned(cursor, model_path(self.lake, name), version)}')
