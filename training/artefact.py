"""An adapter's files: which they are, and their hash."""

import hashlib
from pathlib import Path

WEIGHTS, SETTINGS = "adapter_model.safetensors", "adapter_config.json"


def artefact_hash(folder: Path) -> str:
    """SHA-256 over the weights and the adapter's settings, in hex. Errors: `FileNotFoundError` when one is missing."""
    digest = hashlib.sha256()
    for name in (SETTINGS, WEIGHTS):
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def adapter_id_of(artefact: str) -> str:
    """The id by which the registry knows an artefact."""
    return artefact[:16]
