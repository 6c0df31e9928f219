"""Who a town is: an id that survives renames, moves and re-installs of LoRA Forge.

A town's id is a hash over `mayor/town.json` (owner, name, created_at: what `gt install` wrote once) and the project id of its
hq beads database. A town without `mayor/town.json` has the id that towns.yaml declares, and no role paths.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.source_files import is_url
from ingest.towns import BeadsExport, Town

HQ_DATABASE = "hq"
TOWN_FILE = "mayor/town.json"
BEADS_METADATA = ".beads/metadata.json"
ID_LENGTH = 16


class TownIdentityError(ValueError):
    """A town's files or towns.yaml leave its identity open, or contradict each other. The message says what to write where."""


class TownUnreachable(Exception):  # noqa: N818 - a state of the world, not a mistake of the user
    """A town's root cannot be read now. The other towns load."""

    def __init__(self, town: str, root: str, why: str) -> None:
        self.town = town
        super().__init__(f"town {town} is unreachable: {root}: {why}; check that the folder is mounted and readable, or its URL")


@dataclass(frozen=True)
class TownIdentity:
    """A town with its id.

    `town_json`: the parsed `mayor/town.json`, None when the town has none (then `has_role_paths` is false: its folders say
    nothing about roles). `hq_project_id`: the project id of the hq beads database, None where no file or declaration gives it.
    """

    town: Town
    town_id: str
    has_role_paths: bool
    hq_project_id: str | None
    town_json: dict[str, Any] | None


def identify(town: Town) -> TownIdentity:
    """Find out a town's id.

    Errors: `TownUnreachable` when its root cannot be read; `TownIdentityError` when the id would be a guess.
    """
    _reach(town)
    document = _json_object(town, town.root, TOWN_FILE)
    hq_project_id = _hq_project_id(town)
    if town.declared_id is not None:
        return TownIdentity(town, town.declared_id, document is not None, hq_project_id, document)
    if document is None:
        raise TownIdentityError(
            f"town {town.name}: {town.root} has no {TOWN_FILE}; if it is no Gas Town root, give the town an `id` in towns.yaml "
            f"(line {town.line}), else correct its `root`"
        )
    if hq_project_id is None:
        raise TownIdentityError(
            f"town {town.name}: no project id for its hq beads database: {town.root} has no {BEADS_METADATA} with a `project_id`; "
            f"in towns.yaml (line {town.line}) declare `beads_project` for the export with `database: {HQ_DATABASE}`, or give the "
            "town an `id`; without one of them its id would change when the database appears"
        )
    parts: list[str | None] = [_text(town, document, part) for part in ("owner", "name", "created_at")]
    if not any(parts):
        raise TownIdentityError(
            f"town {town.name}: {TOWN_FILE} has no owner, name or created_at; give the town an `id` in towns.yaml"
        )
    encoded = json.dumps([*parts, hq_project_id], ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return TownIdentity(town, hashlib.sha256(encoded).hexdigest()[:ID_LENGTH], True, hq_project_id, document)


def identify_all(towns: Iterable[Town]) -> tuple[list[TownIdentity], list[TownUnreachable]]:
    """Identify towns; the unreachable ones come second.

    Errors: `TownIdentityError` as `identify`, and when two entries are the same town.
    """
    found: dict[str, TownIdentity] = {}
    unreachable: list[TownUnreachable] = []
    for town in towns:
        try:
            identity = identify(town)
        except TownUnreachable as error:
            unreachable.append(error)
            continue
        other = found.setdefault(identity.town_id, identity)
        if other is not identity:
            raise TownIdentityError(
                f"towns {other.town.name} (line {other.town.line}) and {town.name} (line {town.line}) are the same town "
                f"({identity.town_id}); make them one entry, with the second path under `extra_roots`"
            )
    return list(found.values()), unreachable


def beads_project_id(town: Town, export: BeadsExport) -> str:
    """The project id of an exported beads database: from the `metadata.json` in its folder or the one above, else declared.

    Errors: `TownIdentityError` when nothing gives it, or file and declaration differ; `TownUnreachable` when reading fails.
    """
    folder = export.path.rsplit("/", 1)[0] if export.path.endswith((".jsonl", ".json")) else export.path
    for place in (folder, folder.rstrip("/").rsplit("/", 1)[0]):
        found = _project_id(town, place, "metadata.json")
        if found is None:
            continue
        if export.beads_project not in (None, found):
            raise TownIdentityError(
                f"town {town.name}: towns.yaml line {export.line} declares beads_project {export.beads_project} for "
                f"{export.database}, but {place}/metadata.json says {found}; remove the declaration or correct it"
            )
        return found
    if export.beads_project is None:
        raise TownIdentityError(
            f"town {town.name}: no metadata.json beside {export.path} gives a `project_id`; declare `beads_project` for "
            f"{export.database} in towns.yaml (line {export.line})"
        )
    return export.beads_project


def _hq_project_id(town: Town) -> str | None:
    found = _project_id(town, town.root, BEADS_METADATA)
    declared = next((export for export in town.beads if export.database == HQ_DATABASE), None)
    if declared is None or (found is not None and declared.beads_project is None):
        return found
    if found is not None and found != declared.beads_project:
        raise TownIdentityError(
            f"town {town.name}: towns.yaml line {declared.line} declares beads_project {declared.beads_project} for "
            f"{HQ_DATABASE}, but {town.root}/{BEADS_METADATA} says {found}; remove the declaration or correct it"
        )
    return beads_project_id(town, declared)


def _project_id(town: Town, folder: str, name: str) -> str | None:
    document = _json_object(town, folder, name)
    return _text(town, document, "project_id") if document is not None else None


def _text(town: Town, document: dict[str, Any], key: str) -> str | None:
    """A text field; None when missing or empty."""
    value = document.get(key)
    if value is not None and not isinstance(value, str):
        raise TownIdentityError(f"town {town.name}: `{key}` of its identity files must be text, it is {type(value).__name__}")
    return value or None


def _json_object(town: Town, folder: str, name: str) -> dict[str, Any] | None:
    """A small JSON file below a folder; None when it does not exist."""
    place = f"{folder.rstrip('/')}/{name}"
    data = _read(town, place)
    if data is None:
        return None
    try:
        document = json.loads(data)
    except ValueError as error:
        raise TownIdentityError(f"town {town.name}: {place} is not JSON: {type(error).__name__}; mend the file") from None
    if not isinstance(document, dict):
        raise TownIdentityError(f"town {town.name}: {place} must hold a JSON object; mend the file")
    return document


def _reach(town: Town) -> None:
    """Fail with `TownUnreachable` unless the root is a folder that can be listed."""
    if not is_url(town.root):
        try:
            next(Path(town.root).iterdir(), None)
        except OSError as error:
            raise TownUnreachable(town.name, town.root, error.strerror or type(error).__name__) from error
        return
    import fsspec

    try:
        filesystem, path = fsspec.core.url_to_fs(town.root)
        exists = filesystem.exists(path)
    except Exception as error:  # every backend has exceptions of its own; all of them mean the same here
        raise TownUnreachable(town.name, town.root, f"{type(error).__name__}: {error}") from error
    if not exists:
        raise TownUnreachable(town.name, town.root, "does not exist")


def _read(town: Town, place: str) -> bytes | None:
    """The bytes of a file; None when it does not exist."""
    try:
        if not is_url(place):
            return Path(place).read_bytes()
        import fsspec

        with fsspec.open(place, "rb") as file:
            return bytes(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as error:  # as above: a permission, a broken link, a backend's own exception
        raise TownUnreachable(town.name, place, f"{type(error).__name__}: {error}") from error
