"""Where the lake is.

`FORGE_LAKE` names it; without it the lake is `~/.local/share/lora-forge`. Below that folder every Delta table has one place,
so that a path is never spelled anywhere else.
"""

import os
from pathlib import Path

ENVIRONMENT = "FORGE_LAKE"
DEFAULT = "~/.local/share/lora-forge"


class LakeLocationError(ValueError):
    """FORGE_LAKE holds something that cannot be a lake."""


def lake_root() -> Path:
    """The lake's folder, from `FORGE_LAKE` or the default. It need not exist yet."""
    named = os.environ.get(ENVIRONMENT) or DEFAULT
    if "://" in named:
        raise LakeLocationError(
            f"{ENVIRONMENT}={named}: the lake must be a folder of a local or mounted file system "
            "(sources may be URLs, the lake may not yet); set it to a path"
        )
    return Path(named).expanduser().absolute()


def raw_path(root: Path, table: str) -> Path:
    """Folder of one raw Delta table, e.g. `<lake>/raw/claude_records`."""
    return root / "raw" / table


def model_path(root: Path, model: str) -> Path:
    """Folder of one dbt model's Delta table, e.g. `<lake>/models/dim_sessions`."""
    return root / "models" / model


def ops_path(root: Path, name: str) -> Path:
    """Folder of one operational table or of the intents, e.g. `<lake>/ops/releases`."""
    return root / "ops" / name
