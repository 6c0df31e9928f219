"""How a governance.yaml is read: every key, what it accepts, and what is said of each mistake."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from ingest.positioned_yaml import PolicyReader, Problem, kind_of, nearest
from lake.governance import BEGINNING, LEARN, PURPOSES, ROLES, Change, Governance, Settings, Startup

_SETTINGS = ("learn", "purposes", "cross_town", "source_models", "expires")
_STARTUP_KEYS = ("name", "owner", "rigs", *_SETTINGS, "roles", "changes")
_CHANGE_KEYS = ("from", *_SETTINGS, "roles")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}(/hq)?")
_NAME_RULE = "1 to 63 letters, digits, '_', '.' or '-', a letter or digit first; or <town>/hq for a town's own agents"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_BOOLEAN = "tag:yaml.org,2002:bool"
_MODEL = re.compile(r"[A-Za-z0-9_.:/@*-]+")


class GovernanceReader:
    """One pass over one file; `reader.problems` holds the mistakes afterwards."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reader = PolicyReader(path)
        self.rigs: dict[tuple[str, str], int] = {}

    def read(self) -> Governance:
        """The policy; with problems, what could be read of it."""
        document = self.reader.document()
        if not self.path.exists():
            self.reader.problems = [Problem(0, "", "does not exist; `forge init` writes one, `--governance` names another")]
        if document is None:
            if not self.reader.problems:
                self.reader.problem(1, "", "is empty; write `startups:` and a list of startups, or `startups: []`")
            return Governance()
        known = len(self.reader.problems)
        entries = self.reader.mapping(document, "", ("startups", "unknown_rigs", "source_models"))
        if "startups" not in entries and len(self.reader.problems) == known:
            self.reader.problem(document, "startups", "is missing; write `startups:` and a list of startups, or `startups: []`")
        settings: dict[str, Any] = {}
        if "unknown_rigs" in entries:
            # Nobody can have agreed to share what nobody named.
            settings["learn"] = self._choice(entries["unknown_rigs"], "unknown_rigs", ("own", "none")) or "none"
        if "source_models" in entries:
            settings["source_models"] = self._models(entries["source_models"], "source_models")
        startups = self._startups(entries["startups"]) if "startups" in entries else ()
        text = self.path.read_text(encoding="utf-8-sig")
        return Governance(self.path, text, startups, Settings(**settings), "unknown_rigs" in entries)

    def _startups(self, node: yaml.Node) -> tuple[Startup, ...]:
        found: dict[str, Startup] = {}
        for index, item in enumerate(self.reader.items(node, "startups", "startups")):
            startup = self._startup(item, f"startups[{index}]")
            if startup is None:
                continue
            # Names become folders, and some file systems see no difference between A and a.
            other = found.setdefault(startup.name.lower(), startup)
            if other is not startup:
                self.reader.problem(
                    item, f"startups[{index}].name", f"'{startup.name}' is taken by the startup on line {other.line}"
                )
        return tuple(found.values())

    def _startup(self, node: yaml.Node, key: str) -> Startup | None:
        known = len(self.reader.problems)
        entries = self.reader.mapping(node, key, _STARTUP_KEYS)
        if not entries:
            if len(self.reader.problems) == known:
                self.reader.problem(node, key, "is empty; a startup has at least `name`, `rigs` and `learn`")
            return None
        name = self._name(node, entries, key)
        owner = self.reader.text(entries["owner"], f"{key}.owner", "who answers for it") if "owner" in entries else None
        rigs = self._rigs(node, entries, key, name)
        if "learn" not in entries:
            self.reader.problem(node, f"{key}.learn", f"is missing; accepted: {', '.join(LEARN)}")
        first = Change(BEGINNING, self._settings(entries, key), self._roles(entries, key))
        changes = self._changes(entries["changes"], f"{key}.changes") if "changes" in entries else []
        if name is None:
            return None
        return Startup(name, owner, rigs, (first, *changes), node.start_mark.line + 1)

    def _name(self, node: yaml.Node, entries: dict[str, yaml.Node], key: str) -> str | None:
        if "name" not in entries:
            self.reader.problem(node, f"{key}.name", f"is missing; write {_NAME_RULE}")
            return None
        value = self.reader.text(entries["name"], f"{key}.name", _NAME_RULE)
        if value is not None and not _NAME.fullmatch(value):
            self.reader.problem(entries["name"], f"{key}.name", f"'{value}' is not accepted; write {_NAME_RULE}")
            return None
        return value

    def _rigs(self, node: yaml.Node, entries: dict[str, yaml.Node], key: str, name: str | None) -> tuple[tuple[str, str], ...]:
        """(town, rig) of the mapping town → list of rigs."""
        place = f"{key}.rigs"
        is_hq = name is not None and name.endswith("/hq")
        if "rigs" not in entries:
            if not is_hq:
                self.reader.problem(node, place, "is missing; write each town's rigs, such as `{mytown: [myrig]}`")
            return ()
        rigs = entries["rigs"]
        if is_hq:
            self.reader.problem(rigs, place, f"is not accepted here: {name} is what the town's own agents do without a rig")
            return ()
        if not isinstance(rigs, yaml.MappingNode):
            self.reader.problem(rigs, place, f"must be a mapping of towns to lists of their rigs; it is {kind_of(rigs)}")
            return ()
        found: list[tuple[str, str]] = []
        seen: dict[str, int] = {}
        for town_node, listed in rigs.value:
            town = self.reader.text(town_node, place, "a town's name in towns.yaml")
            if town is None:
                continue
            if town in seen:
                self.reader.problem(
                    town_node, f"{place}.{town}", f"stands here a second time (first on line {seen[town]}); keep one"
                )
                continue
            seen[town] = town_node.start_mark.line + 1
            names = self.reader.texts(listed, f"{place}.{town}", "a list of rigs")
            if isinstance(listed, yaml.SequenceNode) and not listed.value:
                self.reader.problem(listed, f"{place}.{town}", "is empty; name at least one rig, or remove the town")
            for index, (rig, item) in enumerate(names):
                if (town, rig) in self.rigs:
                    line = self.rigs[town, rig]
                    self.reader.problem(item, f"{place}.{town}[{index}]", f"'{rig}' is taken by line {line}; a rig has one startup")
                    continue
                self.rigs[town, rig] = item.start_mark.line + 1
                found.append((town, rig))
        if not rigs.value:
            self.reader.problem(rigs, place, "is empty; write each town's rigs, such as `{mytown: [myrig]}`")
        return tuple(found)

    def _settings(self, entries: dict[str, yaml.Node], key: str) -> dict[str, Any]:
        """The settings that are given, by the names they have in `Settings`; wrong ones are left out."""
        found: dict[str, Any] = {}
        if "learn" in entries:
            found["learn"] = self._choice(entries["learn"], f"{key}.learn", LEARN) or "none"
        if "purposes" in entries:
            found["purposes"] = self._purposes(entries["purposes"], f"{key}.purposes")
        if "cross_town" in entries:
            found["cross_town"] = self._flag(entries["cross_town"], f"{key}.cross_town")
        if "source_models" in entries:
            found["source_models"] = self._models(entries["source_models"], f"{key}.source_models")
        if "expires" in entries:
            node = entries["expires"]
            is_never = isinstance(node, yaml.ScalarNode) and node.value == "never"
            found["expires_at"] = None if is_never else self._date(node, f"{key}.expires", "a day such as 2027-01-31, or never")
        return found

    def _choice(self, node: yaml.Node, key: str, accepted: tuple[str, ...]) -> str | None:
        what = f"one of {', '.join(accepted)}"
        value = self.reader.text(node, key, what)
        if value is not None and value not in accepted:
            self.reader.problem(node, key, f"'{value}' is not accepted{nearest(value, accepted)}; write {what}")
            return None
        return value

    def _purposes(self, node: yaml.Node, key: str) -> tuple[str, ...]:
        known = len(self.reader.problems)
        found: list[str] = []
        for index, item in enumerate(self.reader.items(node, key, f"purposes ({', '.join(PURPOSES)})")):
            value = self._choice(item, f"{key}[{index}]", PURPOSES)
            if value in found:
                self.reader.problem(item, f"{key}[{index}]", f"'{value}' stands here a second time; keep one")
            elif value is not None:
                found.append(value)
        if not found and len(self.reader.problems) == known:
            self.reader.problem(node, key, f"is empty; name at least one of {', '.join(PURPOSES)}, or write `learn: none`")
        return tuple(found)

    def _flag(self, node: yaml.Node, key: str) -> bool:
        if isinstance(node, yaml.ScalarNode) and node.tag == _BOOLEAN:
            return str(node.value).lower() in ("true", "yes", "on")
        self.reader.problem(node, key, f"must be true or false; it is {kind_of(node)}")
        return False

    def _models(self, node: yaml.Node, key: str) -> tuple[str, ...]:
        what = "patterns of model names, such as claude-*"
        known = len(self.reader.problems)
        found: list[str] = []
        for index, (value, item) in enumerate(self.reader.texts(node, key, what)):
            if not _MODEL.fullmatch(value):
                self.reader.problem(
                    item,
                    f"{key}[{index}]",
                    f"'{value}' is not accepted; write letters, digits and _ . : / @ -, with * for any text",
                )
            found.append(value)
        if not found and len(self.reader.problems) == known:
            self.reader.problem(node, key, "is empty; name at least one pattern, or write `learn: none`")
        return tuple(found)

    def _date(self, node: yaml.Node, key: str, what: str) -> datetime | None:
        """The beginning of a day, UTC."""
        if isinstance(node, yaml.ScalarNode) and _DATE.fullmatch(node.value):
            try:
                return datetime.strptime(node.value, "%Y-%m-%d").replace(tzinfo=UTC)
            except ValueError:
                self.reader.problem(node, key, f"'{node.value}' is no day of the calendar; write {what}")
                return None
        is_scalar = isinstance(node, yaml.ScalarNode) and (node.tag == _TIMESTAMP or node.tag.endswith(":str"))
        shown = f"'{node.value}'" if is_scalar else f"it is {kind_of(node)}"
        self.reader.problem(node, key, f"must be {what}: {shown}" if is_scalar else f"must be {what}; {shown}")
        return None

    def _roles(self, entries: dict[str, yaml.Node], key: str) -> dict[str, dict[str, Any]]:
        if "roles" not in entries:
            return {}
        found: dict[str, dict[str, Any]] = {}
        for role, node in self.reader.mapping(entries["roles"], f"{key}.roles", ROLES).items():
            known = len(self.reader.problems)
            given = self.reader.mapping(node, f"{key}.roles.{role}", _SETTINGS)
            if not given and len(self.reader.problems) == known:
                self.reader.problem(node, f"{key}.roles.{role}", f"is empty; write what differs: {', '.join(_SETTINGS)}")
            found[role] = self._settings(given, f"{key}.roles.{role}")
        return found

    def _changes(self, node: yaml.Node, key: str) -> list[Change]:
        changes: list[Change] = []
        for index, item in enumerate(self.reader.items(node, key, "changes with the keys " + ", ".join(_CHANGE_KEYS))):
            place = f"{key}[{index}]"
            known = len(self.reader.problems)
            entries = self.reader.mapping(item, place, _CHANGE_KEYS)
            if not entries and len(self.reader.problems) > known:
                continue
            what = "the first day it holds, such as 2027-01-31"
            if "from" not in entries:
                self.reader.problem(item, f"{place}.from", f"is missing; write {what}")
                continue
            since = self._date(entries["from"], f"{place}.from", what)
            if not set(entries) - {"from"}:
                self.reader.problem(item, place, f"changes nothing; write what differs: {', '.join((*_SETTINGS, 'roles'))}")
            change = self._settings(entries, place), self._roles(entries, place)
            if since is None:
                continue
            if since <= (changes[-1].valid_from if changes else BEGINNING):
                self.reader.problem(
                    entries["from"], f"{place}.from", "is not later than what stands before it; order changes by their day"
                )
            changes.append(Change(since, *change))
        return changes
