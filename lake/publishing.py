"""The end of a build: what it did is written down, and a complete green one is published.

Order: seeds into Delta, the release's description, the build's log, the row of `ops.releases` last.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from lake.build_kill_points import reached
from lake.build_state import BuildState
from lake.code_hash import policies_hash, seeds_hash
from lake.location import ops_path
from lake.model_store import ModelConfig, ModelStore
from lake.release_description import describe_release, description_path
from lake.releases import Release, content_id, now, write_release

# What dbt says of a node that did what it should. A test with severity warn may warn.
_GREEN = {"success", "pass", "warn", "no-op"}


def _names(graph: Mapping[str, Any], kind: str, materialized: str) -> list[dict[str, Any]]:
    nodes = graph["nodes"].values()
    return [node for node in nodes if node["resource_type"] == kind and node["config"]["materialized"] == materialized]


def _store_seeds(state: BuildState, connection: duckdb.DuckDBPyConnection, graph: Mapping[str, Any]) -> dict[str, int]:
    """Seeds become tables of the release like models, so that analysts see the weights a release was built with."""
    versions = {}
    for node in _names(graph, "seed", "seed"):
        name = node["alias"]
        config = ModelConfig(name=name, schema=node["schema"], sql=f'select * from "{node["schema"]}"."{name}"')
        base = state.base.models.get(name) if state.base else None
        versions[name] = ModelStore(state.lake, connection, config, base).store().version
    return versions


def _release(state: BuildState, models: dict[str, int], project_version: str) -> Release:
    policies, seeds = policies_hash(state.project, state.governance.text), seeds_hash(state.project)
    return Release(
        release_id=content_id(state.load_seq, state.code, policies, seeds, state.raw, models, project_version),
        sequence=state.last.sequence + 1 if state.last else 1,
        created_at=now(),
        as_of=state.as_of,
        load_seq=state.load_seq,
        code_hash=state.code,
        policies_hash=policies,
        seeds_hash=seeds,
        raw=state.raw,
        models=models,
        project_version=project_version,
        is_full=state.base is None,
        is_audited=state.base is None or state.audit,
    )


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")
    unfinished.replace(path)


def _write_log(state: BuildState, outcome: str, release_id: str | None) -> None:
    """`<lake>/ops/builds/<n>.json`: what the build read, what each model cost, how it ended."""
    folder = ops_path(state.lake, "builds")
    number = max((int(path.stem) for path in folder.glob("*.json")), default=0) + 1
    _write_json(
        folder / f"{number:06d}.json",
        {
            "build": number,
            "started_at": state.started_at,
            "finished_at": now(),
            "process": state.process,
            "outcome": outcome,
            "release_id": release_id,
            "mode": "incremental" if state.base else "full",
            "reason": state.reason,
            "is_complete": state.complete,
            "is_audit": state.audit,
            "watermark": state.watermark,
            "load_seq": state.load_seq,
            "models": state.outcomes,
        },
    )


def publish(
    state: BuildState,
    connection: duckdb.DuckDBPyConnection,
    results: Sequence[Mapping[str, str]],
    graph: Mapping[str, Any],
    version: str,
) -> str:
    """Publish the build as a release if it was complete and green; returns what happened, for people.

    `results`: `unique_id` and `status` of every node dbt ran. `graph`: dbt's graph. `version`: the dbt project's.
    """
    stays = f"release {state.last.release_id} stays" if state.last else "there is no release yet"
    if not state.complete:
        _write_log(state, "partial", None)
        return f"Not everything was built: nothing is published, {stays}."
    bad = sorted(result["unique_id"] for result in results if result["status"] not in _GREEN)
    unbuilt = sorted(node["name"] for node in _names(graph, "model", "delta") if node["alias"] not in state.outcomes)
    if bad or unbuilt:
        _write_log(state, "failed", None)
        names = bad or unbuilt
        return f"{len(names)} of the build's nodes failed ({', '.join(names[:3])} …): nothing is published, {stays}."
    models = {name: outcome["version"] for name, outcome in state.outcomes.items()}
    models |= _store_seeds(state, connection, graph)
    release = _release(state, models, version)
    if state.last and state.last.release_id == release.release_id:
        _write_log(state, "unchanged", release.release_id)
        return f"Nothing changed: {stays}."
    _write_json(description_path(state.lake, release.release_id), describe_release(connection, state, release, graph))
    reached("release_described")
    write_release(state.lake, release)
    reached("release_written")
    _write_log(state, "published", release.release_id)
    return f"Published release {release.release_id} (number {release.sequence}, loads up to {release.load_seq})."
