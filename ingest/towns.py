"""`towns.yaml`: which towns are loaded, where their files are read and under which paths their agents worked.

Every relative path in the file is relative to the file itself; `~` is the home of whoever runs the command; whatever holds
`://` is an fsspec URL. See docs/towns.md for the file, `ingest/identity.py` for the ids of towns.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import yaml

from ingest.dolt_address import DoltServer, read_dolt
from ingest.positioned_yaml import PolicyFileError, PolicyReader, Problem, nearest
from ingest.recorded_paths import comparable, components
from ingest.source_files import is_url
from ingest.telemetry_address import TelemetryStore, read_telemetry

HARNESSES: Mapping[str, str] = MappingProxyType(
    {"claude": "Claude Code: the config folder that holds `projects/`, usually ~/.claude"}
)
"""Every harness that `homes` accepts, with what its home is. A new source adds its line here."""

_TOWN_KEYS = ("name", "root", "recorded_root", "extra_roots", "id", "homes", "beads", "dolt", "telemetry")
_BEADS_KEYS = ("path", "database", "beads_project")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_NAME_RULE = "1 to 63 letters, digits, '_', '.' or '-', a letter or digit first"


class TownsFileError(PolicyFileError):
    """towns.yaml cannot be used; `problems` holds every mistake with its line."""


@dataclass(frozen=True)
class BeadsExport:
    """A folder or file of a beads JSONL export. `path` is absolute or a URL; `line` is where towns.yaml names it."""

    path: str
    database: str
    beads_project: str | None
    line: int


@dataclass(frozen=True)
class Town:
    """One town as it is declared. `root` and `homes` are absolute paths or URLs; `recorded_roots` are paths the agents saw."""

    name: str
    root: str
    recorded_roots: tuple[str, ...]
    declared_id: str | None
    homes: Mapping[str, tuple[str, ...]]
    beads: tuple[BeadsExport, ...]
    line: int
    dolt: DoltServer | None = None
    telemetry: TelemetryStore | None = None


@dataclass(frozen=True)
class Home:
    """A harness's folder and the names of the towns that declare it, in the order of the file."""

    harness: str
    path: str
    towns: tuple[str, ...]


@dataclass(frozen=True)
class Towns:
    """A whole towns.yaml."""

    path: Path
    towns: tuple[Town, ...]

    def homes(self) -> tuple[Home, ...]:
        """The distinct homes over all towns: one that several towns declare, perhaps through a link, appears once."""
        found: dict[tuple[str, str], tuple[str, list[str]]] = {}
        for town in self.towns:
            for harness, paths in town.homes.items():
                for path in paths:
                    _, names = found.setdefault((harness, real_location(path)), (path, []))
                    if town.name not in names:
                        names.append(town.name)
        return tuple(Home(harness, path, tuple(names)) for (harness, _), (path, names) in found.items())


def real_location(location: str) -> str:
    """What two spellings of the same place have in common: the link-free path, or the URL without slashes at its end."""
    return location.rstrip("/") if is_url(location) else os.path.realpath(location)


def load_towns(path: Path) -> Towns:
    """Read and check a towns.yaml.

    Errors: `TownsFileError` with every mistake in the file.
    """
    loader = _TownsReader(path)
    towns = loader.read()
    if loader.reader.problems:
        raise TownsFileError(path, loader.reader.problems)
    return Towns(path, tuple(towns))


@dataclass
class _TownsReader:
    """One pass over one file."""

    path: Path
    reader: PolicyReader = field(init=False)

    def __post_init__(self) -> None:
        self.reader = PolicyReader(self.path)

    def read(self) -> list[Town]:
        document = self.reader.document()
        if not self.path.exists():
            self.reader.problems = [Problem(0, "", "does not exist; `forge init` writes one, `--towns` names another")]
        if document is None:
            if not self.reader.problems:
                self.reader.problem(1, "", "is empty; write `towns:` and a list of towns (`forge init` writes an example)")
            return []
        entries = self.reader.mapping(document, "", ("towns",))
        if "towns" not in entries:
            if isinstance(document, yaml.MappingNode) and not self.reader.problems:
                self.reader.problem(document, "towns", "is missing; write `towns:` and a list of towns, or `towns: []`")
            return []
        towns: list[Town] = []
        for index, node in enumerate(self.reader.items(entries["towns"], "towns", "towns")):
            town = self._town(node, f"towns[{index}]")
            if town is None:
                continue
            for other in towns:
                if town.name == other.name:
                    self.reader.problem(node, f"towns[{index}].name", f"'{town.name}' is taken by the town on line {other.line}")
                if town.declared_id is not None and town.declared_id == other.declared_id:
                    self.reader.problem(
                        node, f"towns[{index}].id", f"'{town.declared_id}' is taken by the town on line {other.line}"
                    )
                if town.telemetry and other.telemetry and town.telemetry.is_same_question(other.telemetry):
                    self.reader.problem(
                        town.telemetry.line,
                        f"towns[{index}].telemetry.filter",
                        f"must tell this town's records from those of the town on line {other.line}, which asks the same store",
                    )
            towns.append(town)
        return towns

    def _town(self, node: yaml.Node, key: str) -> Town | None:
        known = len(self.reader.problems)
        entries = self.reader.mapping(node, key, _TOWN_KEYS)
        if not entries:
            if len(self.reader.problems) == known:
                self.reader.problem(node, key, "is empty; a town has at least `name` and `root`")
            return None
        name = self._name(node, entries, key, "name", required="how people call the town")
        declared_id = self._name(node, entries, key, "id", required=None)
        root = self._root(node, entries, key)
        homes = self._homes(entries["homes"], f"{key}.homes") if "homes" in entries else {}
        recorded = self._recorded_roots(node, entries, key, root, has_homes=any(homes.values()))
        beads = self._beads(entries["beads"], f"{key}.beads") if "beads" in entries else ()
        dolt = read_dolt(self.reader, entries["dolt"], f"{key}.dolt", self._location) if "dolt" in entries else None
        asked = entries.get("telemetry")
        telemetry = read_telemetry(self.reader, asked, f"{key}.telemetry", self._location) if asked is not None else None
        if name is None or root is None:
            return None
        line = node.start_mark.line + 1
        return Town(name, root, recorded, declared_id, MappingProxyType(homes), beads, line, dolt, telemetry)

    def _name(self, node: yaml.Node, entries: dict[str, yaml.Node], key: str, part: str, required: str | None) -> str | None:
        if part not in entries:
            if required:
                self.reader.problem(node, f"{key}.{part}", f"is missing; write {required} ({_NAME_RULE})")
            return None
        value = self.reader.text(entries[part], f"{key}.{part}", _NAME_RULE)
        if value is not None and not _NAME.fullmatch(value):
            self.reader.problem(entries[part], f"{key}.{part}", f"'{value}' is not accepted; write {_NAME_RULE}")
        return value

    def _location(self, node: yaml.Node, key: str, what: str) -> str | None:
        """A path made absolute, or a URL."""
        value = self.reader.text(node, key, what)
        if value is None or (is_url(value) and not value.startswith("file://")):
            return value
        value = value.removeprefix("file://")
        if value.startswith("~"):
            try:
                value = str(Path(value).expanduser())
            except RuntimeError:
                self.reader.problem(node, key, f"'{value}' names a user this machine does not have; write the whole path")
                return None
        return os.path.normpath(self.path.absolute().parent / value)

    def _root(self, node: yaml.Node, entries: dict[str, yaml.Node], key: str) -> str | None:
        what = "the town's folder: a path (relative to this file, ~ is your home) or an fsspec URL"
        if "root" not in entries:
            self.reader.problem(node, f"{key}.root", f"is missing; write {what}")
            return None
        return self._location(entries["root"], f"{key}.root", what)

    def _recorded_roots(
        self, node: yaml.Node, entries: dict[str, yaml.Node], key: str, root: str | None, *, has_homes: bool
    ) -> tuple[str, ...]:
        """The recorded root and the extra ones. A local root's default counts with and without its links."""
        what = "an absolute path as the agents saw it"
        given: list[tuple[str, str, yaml.Node]] = []
        if "recorded_root" in entries:
            value = self.reader.text(entries["recorded_root"], f"{key}.recorded_root", what)
            given += [(value, f"{key}.recorded_root", entries["recorded_root"])] if value is not None else []
        elif root is not None and not is_url(root):
            given += [(path, f"{key}.root", entries["root"]) for path in dict.fromkeys((root, os.path.realpath(root)))]
        elif root is not None and has_homes:
            self.reader.problem(node, f"{key}.recorded_root", f"is missing; `root` is a URL, so write {what}")
        if "extra_roots" in entries:
            for index, (value, item) in enumerate(self.reader.texts(entries["extra_roots"], f"{key}.extra_roots", what)):
                given.append((value, f"{key}.extra_roots[{index}]", item))
        seen: dict[tuple[str, ...], str] = {}
        for value, place, at in given:
            parts = components(value)
            if parts is None:
                self.reader.problem(at, place, f"'{value}' is not absolute; write {what}, such as /home/dev/gt")
            elif len(parts) == 1:
                self.reader.problem(at, place, f"'{value}' would claim every path; write the town's own folder")
            elif comparable(parts) in seen:
                self.reader.problem(at, place, f"'{value}' is already a recorded root of this town; remove one")
            else:
                seen[comparable(parts)] = value
        return tuple(seen.values())

    def _homes(self, node: yaml.Node, key: str) -> dict[str, tuple[str, ...]]:
        accepted = tuple(HARNESSES)
        homes: dict[str, tuple[str, ...]] = {}
        for harness, value in self.reader.mapping(node, key, accepted).items():
            found: dict[str, str] = {}
            for index, item in enumerate(self.reader.items(value, f"{key}.{harness}", "folders or URLs")):
                place = f"{key}.{harness}[{index}]"
                location = self._location(item, place, HARNESSES[harness])
                if location is None:
                    continue
                if real_location(location) in found:
                    self.reader.problem(item, place, f"'{location}' is already a home of this town; remove one")
                found.setdefault(real_location(location), location)
            homes[harness] = tuple(found.values())
        return homes

    def _beads(self, node: yaml.Node, key: str) -> tuple[BeadsExport, ...]:
        exports: list[BeadsExport] = []
        for index, item in enumerate(self.reader.items(node, key, "exports with the keys " + ", ".join(_BEADS_KEYS))):
            place = f"{key}[{index}]"
            known = len(self.reader.problems)
            entries = self.reader.mapping(item, place, _BEADS_KEYS)
            if not entries and len(self.reader.problems) > known:
                continue
            what = {
                "path": "the export's folder or file: a path (relative to this file) or an fsspec URL",
                "database": "the beads database's name, such as hq",
                "beads_project": "the project id of the beads database",
            }
            for part in ("path", "database"):
                if part not in entries:
                    self.reader.problem(item, f"{place}.{part}", f"is missing; write {what[part]}")
            path = self._location(entries["path"], f"{place}.path", what["path"]) if "path" in entries else None
            names = {
                part: self.reader.text(entries[part], f"{place}.{part}", what[part]) if part in entries else None
                for part in ("database", "beads_project")
            }
            if path is None or names["database"] is None:
                continue
            for other in exports:
                if real_location(other.path) == real_location(path):
                    self.reader.problem(item, f"{place}.path", f"is the export of line {other.line} again; remove one")
                elif other.database == names["database"]:
                    self.reader.problem(item, f"{place}.database", f"'{other.database}' is already exported on line {other.line}")
            exports.append(BeadsExport(path, names["database"], names["beads_project"], item.start_mark.line + 1))
        return tuple(exports)


def unknown_town(name: str, towns: Towns) -> str:
    """What to tell someone who asked for a town that towns.yaml does not have."""
    names = [town.name for town in towns.towns]
    return f"no town '{name}' in {towns.path}{nearest(name, names)}; towns there: {', '.join(names) or 'none'}"
