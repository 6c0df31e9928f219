"""What one build reads and starts from, fixed when it begins.

Raw tables are pinned at their versions; the newest complete load bounds their rows. When the code is the one that made the last
release, the build goes on from exactly that release's tables (not from "the latest", which a failed build may have left) and
looks at the loads since; otherwise it starts from nothing.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from lake.code_hash import code_hash
from lake.duck import pinned
from lake.governance import Governance
from lake.location import raw_path
from lake.releases import Release, releases
from lake.tables import LOADS, RAW_TABLES, SEQUENCE, open_raw


@dataclass
class BuildState:
    """Fixed at the start: pins, base, mode. Filled while building: `outcomes`, by model.

    `load_seq`: newest complete load, 0 on an empty lake. `base`: the release an incremental build goes on from, None for a
    full build, whose `reason` says why. `complete`: the invocation builds everything, so it may publish. `governance`: who may
    learn from what; another one leaves the build incremental.
    """

    lake: Path
    project: Path
    code: str
    raw: dict[str, int]
    load_seq: int
    as_of: datetime | None
    base: Release | None
    last: Release | None
    reason: str
    complete: bool
    audit: bool
    governance: Governance
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    process: int = field(default_factory=os.getpid)
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def watermark(self) -> int:
        """Rows with a greater `load_seq` are new to this build."""
        return self.base.load_seq if self.base else 0


def _pin_raw(lake: Path) -> dict[str, int]:
    """Versions of all raw tables; missing ones are created empty."""
    # Loads commit `loads` last: pinned first, everything it promises is in the tables pinned after it.
    names = [LOADS.name, *(name for name in RAW_TABLES if name != LOADS.name)]
    return {name: open_raw(lake, name).version() for name in names}


def begin(
    lake: Path,
    project: Path,
    connection: duckdb.DuckDBPyConnection,
    *,
    governance: Governance,
    full_refresh: bool,
    complete: bool,
    audit: bool,
    variables: Mapping[str, Any],
) -> BuildState:
    """Pin the lake and decide what the build starts from. `connection` must know `delta_scan`."""
    raw = _pin_raw(lake)
    loads = pinned(connection, raw_path(lake, LOADS.name), raw[LOADS.name])
    found = connection.execute(f"select coalesce(max({SEQUENCE}), 0), max(newest_at) from {loads}").fetchone()
    assert found is not None
    load_seq, as_of = found
    code = code_hash(project, variables)
    known = releases(lake)
    last = known[-1] if known else None
    reason = ""
    if last is None:
        reason = "this lake has no release yet"
    elif not complete:
        reason = "not everything is built"
    elif full_refresh:
        reason = "--full-refresh was given"
    elif last.code_hash != code:
        reason = f"the code is not the one of release {last.release_id}"
    elif last.load_seq > load_seq:
        reason = f"release {last.release_id} has read load {last.load_seq}, the lake ends at load {load_seq}"
    return BuildState(
        lake=lake,
        project=project,
        code=code,
        raw=raw,
        load_seq=load_seq,
        as_of=as_of,
        base=None if reason else last,
        last=last,
        reason=reason,
        complete=complete,
        audit=audit,
        governance=governance,
    )


def create_raw_views(state: BuildState, connection: duckdb.DuckDBPyConnection) -> None:
    """Schema `raw`: one view per raw table at its pinned version, without the rows of a load that is not complete."""
    connection.execute("create schema if not exists raw")
    for name, version in state.raw.items():
        table = pinned(connection, raw_path(state.lake, name), version)
        connection.execute(f"create or replace view raw.{name} as select * from {table} where {SEQUENCE} <= {state.load_seq}")
