"""`learn: own` data never reaches what is shared: what an adapter may be called, and the check that finds one that breaks it."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq

from lake.duck import NoCatalogError, connect
from lake.snapshot_tables import MEMBERS
from training.adapter_table import Adapter
from training.config import Resolved
from training.registry import SHARED, Registry

OWN = "own"


def _example_keys(files: Iterable[Path]) -> set[str]:
    return {key for file in files for key in pq.read_table(file, columns=["example_key"])["example_key"].to_pylist()}


def learn_of(lake: Path, resolved: Resolved) -> str:
    """`shared` or `own` for an adapter about to be registered.

    A base is shared, and so is an overlay of which every training row also stands in the snapshot's base of the same role: only
    rows that may be shared stand there. An adapter on top of one that is not shared is not either.
    """
    registry = Registry.read(lake)
    parent = registry.adapters.get(resolved.parent.adapter_id) if resolved.parent is not None else None
    if resolved.parent is not None and (parent is None or parent.learn != SHARED):
        return OWN
    data = resolved.data
    if data.target.startup is None:
        return SHARED
    base = [
        data.folder / file.path
        for file in data.manifest.files
        if (file.part.scope, file.part.role, file.part.format) == ("base", data.target.role, "sft")
    ]
    return SHARED if _example_keys([data.train_file]) <= _example_keys(base) else OWN


def shared_adapters_trained_on_own_only(lake: Path) -> list[str]:
    """One sentence for each adapter that counts as shared and has learned what only one startup may use. Empty when all is well.

    Two things are compared: the snapshot's members (an own-only row is in an overlay and not in the base), and the consent of the
    newest release (a startup that turned to own after its rows were learned).
    """
    adapters = [each for each in Registry.read(lake).adapters.values() if each.learn == SHARED and each.snapshot_id is not None]
    trained: dict[str, list[dict[str, str | None]]] = {each.adapter_id: [] for each in adapters}
    base: dict[str, set[str]] = {}
    for row in MEMBERS.rows(lake):
        if row["scope"] == "base":
            base.setdefault(row["snapshot_id"], set()).add(row["example_key"])
        if row["split"] == "train":
            for each in adapters:
                if _is_trained_on(each, row):
                    trained[each.adapter_id].append(row)
    own = _startups_that_are_own(lake)
    found = []
    for each in adapters:
        rows = trained[each.adapter_id]
        outside = {row["example_key"] for row in rows} - base.get(each.snapshot_id or "", set())
        if outside:
            found.append(f"{each.adapter_id} of {each.target} is shared, but {len(outside)} of its training rows stand in no base")
        turned = sorted({str(row["startup"]) for row in rows if (row["startup"], each.role) in own})
        if turned:
            found.append(f"{each.adapter_id} of {each.target} is shared, but {', '.join(turned)} may only be learned for itself")
    return found


def _is_trained_on(adapter: Adapter, row: dict[str, str | None]) -> bool:
    scope = "base" if adapter.startup is None else "overlay"
    return (row["snapshot_id"], row["role_family"], row["scope"]) == (adapter.snapshot_id, adapter.role, scope) and (
        adapter.startup is None or row["startup"] == adapter.startup
    )


def _startups_that_are_own(lake: Path) -> set[tuple[str, str]]:
    """(startup, role) whose consent is `own` in the newest release; empty where there is no release."""
    try:
        with connect(lake) as connection:
            rows = connection.execute("select startup, role_family from dim_consent where is_current and learn = 'own'").fetchall()
    except NoCatalogError:
        return set()
    return {(startup, role) for startup, role in rows}
