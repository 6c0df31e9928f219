"""What a release's tables and views mean: names, types, comments and lineage, kept beside the release for the analysts' file."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from lake.build_state import BuildState
from lake.duck import reads_pinned
from lake.governance import FILE
from lake.location import model_path, ops_path, raw_path
from lake.releases import Release
from lake.tables import RAW_TABLES, SEQUENCE


def description_path(lake: Path, release_id: str) -> Path:
    """Where the description of a release lies."""
    return ops_path(lake, "release_descriptions") / f"{release_id}.json"


def read_description(lake: Path, release_id: str) -> dict[str, Any]:
    """What `describe_release` wrote for this release. Raises `FileNotFoundError` when the lake's `ops` folder lost it."""
    description: dict[str, Any] = json.loads(description_path(lake, release_id).read_text(encoding="utf-8"))
    return description


def read_policy(lake: Path, release_id: str) -> str:
    """The governance.yaml that a release was built with; empty when there was none, or the lake lost its description."""
    path = description_path(lake, release_id)
    policies = read_description(lake, release_id).get("policies", {}) if path.is_file() else {}
    return str(policies.get(FILE, ""))


def _columns(connection: duckdb.DuckDBPyConnection, schema: str, name: str, comments: Mapping[str, str]) -> list[dict[str, str]]:
    found = connection.execute(f'describe "{schema}"."{name}"').fetchall()
    return [{"name": column, "type": kind, "description": comments.get(column, "")} for column, kind, *_ in found]


def _raw(connection: duckdb.DuckDBPyConnection, state: BuildState, release: Release) -> Iterable[dict[str, Any]]:
    for name, version in release.raw.items():
        table = RAW_TABLES[name]
        comments = {column: comment for column, (_, comment) in table.columns.items()}
        comments[SEQUENCE] = "The load that wrote the row."
        yield {
            "schema": "raw",
            "name": name,
            "kind": "raw",
            "path": raw_path(state.lake, name).relative_to(state.lake).as_posix(),
            "version": version,
            "where": f"{SEQUENCE} <= {release.load_seq}",
            "description": f"{table.description} One row per {', '.join(table.key)}.",
            "columns": _columns(connection, "raw", name, comments),
            "depends_on": [],
        }


def _parents(node: Mapping[str, Any]) -> list[str]:
    """Ids of what a node reads; seeds have no such list."""
    parents: list[str] = node.get("depends_on", {}).get("nodes", [])
    return parents


def _in_order(nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Ids of the nodes, each after those it depends on."""
    order: dict[str, None] = {}

    def visit(unique_id: str) -> None:
        if unique_id in order or unique_id not in nodes:
            return
        for parent in sorted(_parents(nodes[unique_id])):
            visit(parent)
        order[unique_id] = None

    for unique_id in sorted(nodes):
        visit(unique_id)
    return list(order)


def describe_release(
    connection: duckdb.DuckDBPyConnection, state: BuildState, release: Release, graph: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything the analysts' file and the data dictionary need to know of a release, as JSON-able data.

    `connection`: the build's database, in which every model is a view. Relations stand in the order of their dependencies.
    `policies`: the policy files that the build read, by name, as they were.
    """
    views = dict(
        connection.execute("select schema_name || '.' || view_name, sql from duckdb_views() where not internal").fetchall()
    )
    ((database,),) = connection.execute("select current_database()").fetchall()
    relations = list(_raw(connection, state, release))
    wanted = {key: node for key, node in graph["nodes"].items() if node["resource_type"] in ("model", "seed")}
    names = {key: f"{node['schema']}.{node['alias']}" for key, node in wanted.items()}
    # What policies say is in the tables that models make of it; nothing else of it is part of the release.
    names |= {key: f"raw.{node['identifier']}" for key, node in graph["sources"].items() if node["schema"] == "raw"}
    for unique_id in _in_order(wanted):
        node = wanted[unique_id]
        schema, name = node["schema"], node["alias"]
        if name not in release.models and reads_pinned(views[f"{schema}.{name}"]):
            # What an earlier release holds was of use to this build; it is no part of what the build made.
            del names[unique_id]
            continue
        comments = {column: details.get("description") or "" for column, details in node["columns"].items()}
        relation: dict[str, Any] = {
            "schema": schema,
            "name": name,
            "kind": "delta" if name in release.models else "view",
            "description": node["description"],
            "columns": _columns(connection, schema, name, comments),
            "depends_on": sorted(names[key] for key in _parents(node) if key in names),
        }
        if name in release.models:
            relation["path"] = model_path(state.lake, name).relative_to(state.lake).as_posix()
            relation["version"] = release.models[name]
        else:
            # dbt names its own database in the views it creates; analysts' views refer to their neighbours.
            relation["sql"] = views[f"{schema}.{name}"].replace(f"{database}.", "")
        relations.append(relation)
    policies = {FILE: state.governance.text}
    return {"release_id": release.release_id, "as_of": release.as_of, "policies": policies, "relations": relations}
