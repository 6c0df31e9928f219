"""Builds the values of a batch that hold secrets anew, and says where each surrogate stands."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

# A key that needs no quotes in a JSON path.
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Replacement:
    """One surrogate in one string of one value.

    `start` and `end` count characters of the decoded string as it is stored. `rule` is the rule that fired; `surrogate_id` is the
    same for the same value everywhere in the lake.
    """

    json_path: str
    start: int
    end: int
    rule: str
    surrogate_id: str


@dataclass(frozen=True, slots=True, eq=False)
class Redacted:
    """A string that held something: its new text and where its surrogates are (start, end, rule, surrogate id)."""

    text: str
    surrogates: tuple[tuple[int, int, str, str], ...]


class _Node:
    """A container on the way down, with its copy once something at or below it was replaced."""

    __slots__ = ("copy", "key", "original", "parent", "path")

    def __init__(self, parent: "_Node | None", key: str | int, original: object) -> None:
        self.parent, self.key, self.original = parent, key, original
        self.copy: object = None
        self.path: str | None = None


class Rebuilder:
    """Rebuilds the values of one batch.

    `strings`: what to replace wherever it stands. `keys`: the same for keys. `named`: what to replace at one place of one container
    only (container id → place → replacement). `structural`: key → shape of values that stay.
    """

    def __init__(
        self,
        strings: Mapping[str, Redacted],
        keys: Mapping[str, Redacted],
        named: Mapping[int, Mapping[str | int, Redacted]],
        structural: Mapping[str, re.Pattern[str]],
    ) -> None:
        self._strings, self._keys, self._named, self._structural = strings, keys, named, structural
        self._known: dict[tuple[str, Redacted], list[Replacement]] = {}

    def rebuild(self, value: object) -> tuple[object, list[Replacement]]:
        """`value` redacted and its replacements; the same object if it has none."""
        made: list[Replacement] = []
        if type(value) is str:
            redacted = self._strings.get(value)
            if redacted is None:
                return value, made
            made.extend(self._replacements("$", redacted))
            return redacted.text, made
        if type(value) is not dict and type(value) is not list:
            return value, made
        root = _Node(None, "", value)
        root.path = "$"
        strings, named, structural = self._strings, self._named, self._structural
        renamed = frozenset(self._keys)
        stack = [root]
        push = stack.append
        while stack:
            node = stack.pop()
            container = node.original
            here = named.get(id(container)) if named else None
            names: dict[str, str] | None = None
            if type(container) is dict:
                if renamed and not renamed.isdisjoint(container):
                    names = self._rename(node, made)
                items = container.items()
            else:
                items = enumerate(container)  # type: ignore[arg-type, assignment]
            for key, child in items:
                kind = type(child)
                if kind is str:
                    redacted = None
                    if here is not None:
                        redacted = here.get(key)
                    if redacted is None:
                        if child not in strings:
                            continue
                        redacted = strings[child]
                    shape = structural.get(key)
                    if shape is not None and shape.fullmatch(child):
                        continue
                    name = key if names is None else names[key]
                    _owned(node)[name] = redacted.text
                    made.extend(self._replacements(_step(_path(node), name), redacted))
                elif (kind is dict or kind is list) and child:
                    push(_Node(node, key if names is None else names[key], child))
        return (value if root.copy is None else root.copy), made

    def _rename(self, node: _Node, made: list[Replacement]) -> dict[str, str]:
        """Give the node's copy its new keys. Returns old → new key."""
        original: dict[str, object] = node.original  # type: ignore[assignment]
        names: dict[str, str] = {}
        taken = {key for key in original if key not in self._keys}
        for key in original:
            redacted = self._keys.get(key)
            name = key if redacted is None else redacted.text
            if redacted is not None:
                # Two keys may share a surrogate (there are few addresses to draw from); neither may swallow the other.
                number = 2
                while name in taken:
                    name, number = f"{redacted.text}#{number}", number + 1
                taken.add(name)
                made.extend(self._replacements(f"{_step(_path(node), name)}~key", redacted))
            names[key] = name
        _owned(node)
        node.copy = {names[key]: value for key, value in original.items()}
        if node.parent is not None:
            _owned(node.parent)[node.key] = node.copy
        return names

    def _replacements(self, path: str, redacted: Redacted) -> list[Replacement]:
        known = self._known.get((path, redacted))
        if known is None:
            known = [Replacement(path, start, end, rule, surrogate) for start, end, rule, surrogate in redacted.surrogates]
            self._known[path, redacted] = known
        return known


def _owned(node: _Node) -> dict[str | int, object]:
    """The copy of a container that may be changed, made together with copies of everything above it."""
    if node.copy is None:
        missing = []
        above: _Node | None = node
        while above is not None and above.copy is None:
            missing.append(above)
            above = above.parent
        for each in reversed(missing):
            each.copy = each.original.copy()  # type: ignore[attr-defined]
            if each.parent is not None:
                each.parent.copy[each.key] = each.copy  # type: ignore[index]
    return node.copy  # type: ignore[return-value]


def _path(node: _Node) -> str:
    """JSON path of a container, as DuckDB and others read it: `$.message.content[0]`, `$."a.b"`."""
    if node.path is None:
        missing = []
        above = node
        while above.path is None:
            missing.append(above)
            assert above.parent is not None
            above = above.parent
        path = above.path
        for each in reversed(missing):
            path = each.path = _step(path, each.key)
    return node.path  # type: ignore[return-value]


def _step(path: str, key: str | int) -> str:
    if type(key) is int:
        return f"{path}[{key}]"
    return f"{path}.{key}" if _PLAIN_KEY.fullmatch(key) else f"{path}.{json.dumps(key)}"  # type: ignore[arg-type]
