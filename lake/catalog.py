"""The analysts' file: `forge.duckdb`, a small read-only database of documented views over one release.

Every view names the Delta version it reads, so a file shows one consistent release for as long as its versions are kept, whatever
builds do meanwhile. It is written beside itself and swapped by a rename: who has the old one open goes on reading it.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from deltalake import DeltaTable

from lake.duck import CATALOG
from lake.release_description import read_description
from lake.releases import COLUMNS, RECORDS, Release, find_release

_ARROW_NAMES = {"string": "VARCHAR", "int64": "BIGINT", "bool": "BOOLEAN", "timestamp[us, tz=UTC]": "TIMESTAMP WITH TIME ZONE"}


def write_catalog(lake: Path, *, release: str | None = None, path: Path | None = None, root: str | None = None) -> Path:
    """Write the analysts' file of a release and return its path.

    `release`: id (or its beginning) of the release, default the newest. `path`: default `<lake>/forge.duckdb`. `root`: where the
    lake is mounted for those who open the file, when that is not where it is here. No table is opened: it is a matter of
    milliseconds. Raises `NoReleaseError`.
    """
    chosen = find_release(lake, release)
    target = path or lake / CATALOG
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        with duckdb.connect(str(unfinished)) as connection:
            # In one transaction: thousands of comments are else as many.
            connection.execute("begin")
            relations = show_release(connection, lake, chosen, root=root)
            for relation in relations:
                _comment(connection, relation)
            connection.execute("commit")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def show_release(
    connection: duckdb.DuckDBPyConnection, lake: Path, release: Release, *, root: str | None = None
) -> Sequence[Mapping[str, Any]]:
    """Create a view for every table and view of a release, under the schemas and names that models use, and `ops.releases`.

    `root`: where the lake is mounted for those who will read the views. Returns what the views show.

    DuckDB binds a view when it is created, and with it the views below. So that no table need be opened, or even exist at
    `root`, empty tables stand in for the Delta tables until the SQL views are there, then make room for the real ones.
    """
    relations = [*read_description(lake, release.release_id)["relations"], _releases_relation(lake)]
    stored = [relation for relation in relations if relation["kind"] != "view"]
    for schema in sorted({relation["schema"] for relation in relations}):
        connection.execute(f'create schema if not exists "{schema}"')
    for relation in stored:
        columns = ", ".join(f'"{column["name"]}" {column["type"]}' for column in relation["columns"])
        connection.execute(f"create table {_qualified(relation)} ({columns})")
    for relation in relations:
        if relation["kind"] == "view":
            connection.execute(relation["sql"])
    for relation in stored:
        connection.execute(f"drop table {_qualified(relation)}")
        _create_delta_view(connection, relation, root or str(lake))
    connection.execute("drop macro table if exists temp.delta_scan")
    return relations


def _qualified(relation: Mapping[str, Any]) -> str:
    return f'"{relation["schema"]}"."{relation["name"]}"'


def _create_delta_view(connection: duckdb.DuckDBPyConnection, relation: Mapping[str, Any], root: str) -> None:
    """A view over a Delta table, bound without opening it.

    A macro in the place of `delta_scan` gives the binder names and types; the view's text keeps the real call.
    """
    shape = ", ".join(f'cast(null as {column["type"]}) as "{column["name"]}"' for column in relation["columns"])
    connection.execute(f"create or replace temporary macro delta_scan(path, version := null) as table select {shape}")
    columns = ", ".join(f'"{column["name"]}"' for column in relation["columns"])
    where = f" where {relation['where']}" if "where" in relation else ""
    connection.execute(
        f"create view {_qualified(relation)} as select {columns} "
        f"from delta_scan({_literal(root.rstrip('/') + '/' + relation['path'])}, version => {relation['version']}){where}"
    )


def _releases_relation(lake: Path) -> dict[str, Any]:
    """`ops.releases` itself, as far as it goes when the file is written."""
    path = lake / RECORDS.folder
    pinned = 'STRUCT(layer VARCHAR, "name" VARCHAR, "version" BIGINT)[]'
    columns = [
        {"name": name, "type": _ARROW_NAMES.get(str(kind), pinned), "description": text} for name, (kind, text) in COLUMNS.items()
    ]
    return {
        "schema": "ops",
        "name": "releases",
        "kind": "ops",
        "path": path.relative_to(lake).as_posix(),
        "version": DeltaTable(str(path)).version(),
        "description": "Every release of this lake: a consistent, checked set of table versions. One row per release.",
        "columns": columns,
    }


def _comment(connection: duckdb.DuckDBPyConnection, relation: Mapping[str, Any]) -> None:
    qualified = _qualified(relation)
    connection.execute(f"comment on view {qualified} is {_literal(relation['description'].strip())}")
    columns: Sequence[Mapping[str, str]] = relation["columns"]
    for column in columns:
        if column["description"]:
            connection.execute(f'comment on column {qualified}."{column["name"]}" is {_literal(column["description"].strip())}')


def _literal(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
