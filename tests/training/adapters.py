"""Adapters as a training run or a person would register them."""

from dataclasses import replace
from pathlib import Path

from training.adapter_table import CANDIDATE, Adapter
from training.registry import promote, register


def adapter(adapter_id: str, target: str, *, learn: str = "shared", parent: str | None = None) -> Adapter:
    """A candidate for `base/<role>` or `overlay/<startup>/<role>`."""
    kind, *names = target.split("/")
    role, startup = names[-1], "/".join(names[:-1]) if kind == "overlay" else None
    return Adapter(
        adapter_id=adapter_id,
        role=role,
        startup=startup,
        status=CANDIDATE,
        reason="trained",
        learn=learn,
        base_model="tiny",
        artefact_hash=f"files-{adapter_id}",
        snapshot_name="autumn",
        snapshot_id="5" * 16,
        parent_adapter_id=parent,
        local_path=f"adapters/{adapter_id}",
    )


def serving(
    lake: Path, adapter_id: str, target: str, *, learn: str = "shared", parent: str | None = None, on_hub: bool = False
) -> Adapter:
    """Register it and make it champion."""
    made = adapter(adapter_id, target, learn=learn, parent=parent)
    if on_hub:
        made = replace(made, hub_repository=f"towns/{adapter_id}", hub_revision="0123abcd")
    register(lake, made)
    return promote(lake, adapter_id, "won 3 to 1")
