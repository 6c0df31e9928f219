"""Publishes an adapter to a Hugging Face hub: its files and a model card in one commit, and where it lies into the registry."""

import json
from collections.abc import Iterator
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi

from lake.snapshot_layout import snapshot_path
from lake.snapshot_manifest import Manifest, read_manifest
from training.adapter_card import adapter_card
from training.adapter_table import TAINTED, Adapter
from training.promotion import decisions
from training.registry import Registry, RegistryError, note_place

CONFIG = "adapter_config.json"
# What serving needs. Checkpoints, logs, prepared data and the trainer's own card, which embeds local paths, stay here.
_SERVED = (
    CONFIG,
    "adapter_model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
)


def publish_adapter(
    lake: Path, adapter_id: str, repository: str, *, public: bool = False, endpoint: str | None = None, token: str | None = None
) -> Adapter:
    """Publish an adapter and note repository and revision in the registry; returns it as it is registered now.

    `endpoint`: another hub than huggingface.co. `public`: otherwise a new repository is private. Publishing the same files again
    makes no second version. Errors: `RegistryError` when the adapter is tainted, has no files here, or learned from a startup's own
    data and shall be public; `huggingface_hub.errors.HfHubHTTPError` when the hub refuses.
    """
    registry = Registry.read(lake)
    adapter = registry.find(adapter_id)
    if adapter.status == TAINTED:
        raise RegistryError(f"{adapter.adapter_id} is tainted: it learned from what it may not know any more, and is not published")
    line = registry.lineage(adapter)
    if public and any(each.learn != "shared" for each in line):
        raise RegistryError(f"{adapter.adapter_id} or a parent learned from data that is not shared: publish it without --public")
    folder = _folder(lake, adapter)
    decision = next((row for row in reversed(decisions(lake)) if row["adapter_id"] == adapter.adapter_id), None)
    card = adapter_card(adapter, line[1:], decision, _manifest(lake, adapter))
    operations = [CommitOperationAdd("README.md", card.encode()), *_operations(folder, adapter)]
    api = HfApi(endpoint=endpoint, token=token)
    api.create_repo(repository, repo_type="model", private=not public, exist_ok=True)
    revision = api.create_commit(repository, operations, commit_message=f"{adapter.target} {adapter.adapter_id}").oid
    api.create_tag(repository, tag=adapter.adapter_id, revision=revision, exist_ok=True)
    return note_place(lake, adapter.adapter_id, repository, revision)


def _folder(lake: Path, adapter: Adapter) -> Path:
    folder = lake / adapter.local_path if adapter.local_path else None
    if folder is None or not (folder / CONFIG).is_file():
        raise RegistryError(
            f"{adapter.adapter_id} has no files here ({folder or 'it was imported'}); publish it where it was trained"
        )
    return folder


def _manifest(lake: Path, adapter: Adapter) -> Manifest | None:
    if adapter.snapshot_name is None or adapter.snapshot_id is None:
        return None
    folder = snapshot_path(lake, adapter.snapshot_name, adapter.snapshot_id)
    return read_manifest(folder) if folder.is_dir() else None


def _operations(folder: Path, adapter: Adapter) -> Iterator[CommitOperationAdd]:
    for name in _SERVED:
        path = folder / name
        if name == CONFIG:
            # The trainer writes where the model lay on its machine; whoever loads the adapter needs the model's name.
            config = json.loads(path.read_bytes())
            config["base_model_name_or_path"] = adapter.base_model
            yield CommitOperationAdd(name, json.dumps(config, indent=2, sort_keys=True).encode())
        elif path.is_file():
            yield CommitOperationAdd(name, str(path))
