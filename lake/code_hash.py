"""What a build was made with: hashes over the project's code, its seeds and the policies beside it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lake.near_duplicates import PARAMETERS
from lake.tokens import file_hash, tokenizer_path

FOLDERS = ("models", "macros", "seeds", "snapshots", "tests")
POLICIES = ("towns.yaml", "retention.yaml")
# Counts up when the way models are written changes so that tables of an older program must be built anew.
WRITER = 1


def _hash(root: Path, files: Iterable[Path], extra: str = "") -> str:
    digest = hashlib.blake2b(extra.encode(), digest_size=16)
    for path in sorted(files):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    hidden = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in hidden if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def code_hash(project: Path, variables: Mapping[str, Any] | None = None) -> str:
    """Hash of everything in the dbt project that can change a row: its folders, `dbt_project.yml`, the variables given,
    what signatures are made with, and the tokenizer that counts.

    When it differs from the last release's, a build starts from nothing.
    """
    files = [path for name in FOLDERS for path in _files(project / name)]
    files.append(project / "dbt_project.yml")
    given = {name: value for name, value in (variables or {}).items() if name != "audit"}
    return _hash(project, files, json.dumps([WRITER, PARAMETERS, file_hash(tokenizer_path()), given], sort_keys=True, default=str))


def seeds_hash(project: Path) -> str:
    """Hash of the seeds alone: the weights, thresholds and maps that policies put into tables."""
    return _hash(project, _files(project / "seeds"))


def policies_hash(project: Path, governance: str) -> str:
    """Hash of the policy files in force: those that stand beside the dbt project, as far as they exist, and the text of the
    governance.yaml that the build read, wherever it lies.
    """
    root = project.parent
    return _hash(root, [root / name for name in POLICIES if (root / name).is_file()], governance)
