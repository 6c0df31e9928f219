"""The registry as YAML: the readable copy beside the tables, and the file by which towns hand adapters to each other."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ingest.positioned_yaml import PolicyFileError, PolicyReader
from training.adapter_table import CANDIDATE, CHAMPION, Adapter

if TYPE_CHECKING:
    from training.registry import Registry

FORMAT = "lora-forge-registry/1"
_WRITTEN = "# Written by `forge registry` after every change; what is edited here is lost.\n"
_SHOWN = ("status", "reason", "learn", "base_model", "snapshot_name", "snapshot_id", "run_id", "parent_adapter_id")
_PLACES = ("local_path", "hub_repository", "hub_revision")
_NEEDED = ("adapter_id", "role", "learn", "base_model", "artefact_hash", "hub_repository", "hub_revision", "reason")
_OPTIONAL = ("startup", "tokenizer_hash", "snapshot_name", "snapshot_id", "run_id", "parent_adapter_id")
_LEARN = ("shared", "own")


def registry_file(lake: Path) -> Path:
    """Where the readable copy lies."""
    return lake / "train" / "registry.yaml"


def _shown(adapter: Adapter) -> dict[str, Any]:
    names = ("alias_of", *_SHOWN, *_PLACES)
    return {name: value for name in names if (value := getattr(adapter, name)) is not None}


def write_registry_file(lake: Path, registry: "Registry") -> None:
    """Write the copy: target (`base/<role>`, `overlay/<startup>/<role>`) → adapters, champions first. Replaced as a whole."""
    targets: dict[str, dict[str, Any]] = {}
    ranked = sorted(
        registry.adapters.values(), key=lambda adapter: (adapter.target, adapter.status != CHAMPION, adapter.adapter_id)
    )
    for adapter in ranked:
        targets.setdefault(adapter.target, {})[adapter.adapter_id] = _shown(adapter)
    _replace(registry_file(lake), _WRITTEN + yaml.safe_dump(targets, sort_keys=False, allow_unicode=True))


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def export_registry(registry: "Registry", path: Path, town: str) -> list[str]:
    """Write the champions that others can fetch to `path`, under the name `town`; returns why others were left out, one line each.

    What never leaves: an overlay that learned from its startup's own data, and an adapter that lies on no hub.
    """
    left_out: list[str] = []
    rows = []
    for adapter in sorted(registry.adapters.values(), key=lambda each: each.target):
        if adapter.status != CHAMPION:
            continue
        if adapter.learn != "shared":
            left_out.append(f"{adapter.target}: {adapter.adapter_id} learned from data that is not shared")
        elif adapter.hub_repository is None or adapter.hub_revision is None:
            left_out.append(f"{adapter.target}: {adapter.adapter_id} is on no hub; publish it first")
        else:
            names = (*_NEEDED, *_OPTIONAL)
            rows.append({name: value for name in names if (value := getattr(adapter, name)) is not None})
    content = {"format": FORMAT, "town": town, "exported_at": datetime.now(UTC).isoformat(timespec="seconds"), "adapters": rows}
    _replace(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return left_out


class ImportFileError(PolicyFileError):
    """The export of another town cannot be used; `problems` holds every mistake with its line."""


def read_export(path: Path) -> list[Adapter]:
    """Another town's export as candidates with their provenance. Errors: `ImportFileError`."""
    reader = PolicyReader(path)
    root = reader.document()
    adapters: list[Adapter] = []
    if root is not None:
        top = reader.mapping(root, "", ("format", "town", "exported_at", "adapters"))
        for name in ("format", "town", "adapters"):
            if name not in top:
                reader.problem(root, "", f"lacks the key {name}; it is no export of `forge registry export`")
        said = {name: reader.text(top[name], name, "text") for name in ("format", "town", "exported_at") if name in top}
        if said.get("format") not in (None, FORMAT):
            reader.problem(top["format"], "format", f"must be {FORMAT}; it is {said['format']}")
        for index, item in enumerate(reader.items(top["adapters"], "adapters", "adapters") if "adapters" in top else []):
            if (adapter := _adapter(reader, item, f"adapters[{index}]")) is not None:
                adapters.append(adapter)
        content_hash = hashlib.sha256(path.read_bytes()).hexdigest()
        came_from = {"town": said.get("town"), "exported_at": said.get("exported_at"), "sha256": content_hash}
        adapters = [
            replace(adapter, provenance=json.dumps({**came_from, "reason": adapter.reason}, sort_keys=True)) for adapter in adapters
        ]
    elif not reader.problems:
        reader.problem(0, "", "is empty; it is no export of `forge registry export`")
    if reader.problems:
        raise ImportFileError(path, reader.problems)
    return [replace(adapter, reason=f"imported from {came_from['town']}") for adapter in adapters]


def _adapter(reader: PolicyReader, node: yaml.Node, key: str) -> Adapter | None:
    """One adapter of an export; None when something of it is wrong, which the reader then knows."""
    before = len(reader.problems)
    entries = reader.mapping(node, key, (*_NEEDED, *_OPTIONAL))
    values: Mapping[str, str | None] = {
        name: reader.text(entries[name], f"{key}.{name}", "text") for name in (*_NEEDED, *_OPTIONAL) if name in entries
    }
    for name in _NEEDED:
        if name not in entries:
            reader.problem(node, key, f"lacks the key {name}")
    if "learn" in entries and values["learn"] not in (None, *_LEARN):
        reader.problem(entries["learn"], f"{key}.learn", f"must be one of {', '.join(_LEARN)}; it is {values['learn']}")
    if len(reader.problems) > before:
        return None
    return Adapter(**{"startup": None, **values}, status=CANDIDATE)  # type: ignore[arg-type]
