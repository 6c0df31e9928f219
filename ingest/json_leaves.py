"""Reads a batch of parsed JSON values for what has to be scanned. No recursion: hostile values nest deeper than Python's stack."""

import re
from dataclasses import dataclass, field

from ingest.secret_words import is_secret_leaf, is_sensitive_key

# Beginnings of base64 images and PDFs. Their random bytes give false alarms, and there is no text in them.
_IMAGE = re.compile(r"(?:iVBORw0KGgo|/9j/|R0lGOD|UklGR|JVBERi0)[A-Za-z0-9+/]{500,}={0,2}", re.ASCII)
_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|digest|apikey)[ ]+")
_SHORTEST_IMAGE = 512


@dataclass(slots=True)
class Leaves:
    """The containers and strings of a batch.

    `containers`: every dict and list that is not empty, the values of the batch first (`roots` counts these), parents before children.
    `parents` and `places` say for each where it hangs: position of its parent in `containers` (-1 for the values themselves) and
    the key or index in it. `occurrences`: the strings in the order of their containers, those of container `n` from `firsts[n]` on.
    `keys`: the distinct keys.
    """

    containers: list[object]
    roots: int
    parents: list[int]
    places: list[str | int]
    firsts: list[int] = field(default_factory=list)
    occurrences: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def to_scan(self) -> list[str]:
        """Every distinct string and key, in order of appearance, but for images."""
        strings = dict.fromkeys(self.occurrences)
        strings.update(dict.fromkeys(sorted(self.keys)))
        return [string for string in strings if len(string) < _SHORTEST_IMAGE or not _IMAGE.fullmatch(string)]


@dataclass(slots=True)
class Named:
    """Strings that are secrets because of the key above them.

    `places`: container id → key or index in it → (string, where the secret begins in it). `values`: the secrets.
    """

    places: dict[int, dict[str | int, tuple[str, int]]] = field(default_factory=dict)
    values: set[str] = field(default_factory=set)


def read_leaves(values: list[object]) -> Leaves:
    """The leaves of all `values` together."""
    containers: list[object] = [value if type(value) is dict or type(value) is list else [value] for value in values]
    leaves = Leaves(containers, len(values), [-1] * len(values), [0] * len(values))
    occurrences = leaves.occurrences
    note_string, note_keys, note_first = occurrences.append, leaves.keys.update, leaves.firsts.append
    note_container, note_parent, note_place = containers.append, leaves.parents.append, leaves.places.append
    # The list grows while it is read: breadth first, without a stack.
    for number, container in enumerate(containers):
        note_first(len(occurrences))
        if type(container) is dict:
            note_keys(container)
            items = container.items()
        else:
            items = enumerate(container)  # type: ignore[arg-type, assignment]
        for place, value in items:
            kind = type(value)
            if kind is str:
                note_string(value)
            elif (kind is dict or kind is list) and value:
                note_container(value)
                note_parent(number)
                note_place(place)
    return leaves


def read_named(leaves: Leaves) -> Named:
    """The strings below keys that name secrets."""
    named = Named()
    sensitive = {key for key in leaves.keys if is_sensitive_key(key)}
    pairs = "value" in leaves.keys and ("name" in leaves.keys or "key" in leaves.keys)
    if not sensitive and not pairs:
        return named
    for container in leaves.containers:
        if type(container) is not dict:
            continue
        if not sensitive.isdisjoint(container):
            for key in sensitive.intersection(container):
                _note(container, key, key, named)
        if pairs and "value" in container:
            # {"name": "DB_PASSWORD", "value": "..."}, as container specifications write their environment.
            name = container.get("name", container.get("key"))
            if type(name) is str and is_sensitive_key(name):
                _note(container, "value", name, named)
    return named


def _note(container: dict[str, object], place: str, name: str, named: Named) -> None:
    """Note the secrets at `container[place]` and below; deeper ones must look like tokens, for a schema may stand there."""
    _note_string(container, place, container[place], name, True, named)
    stack = [container[place]]
    while stack:
        below = stack.pop()
        items: list[tuple[str | int, object]] = (
            list(below.items()) if type(below) is dict else list(enumerate(below)) if type(below) is list else []
        )
        for key, value in items:
            _note_string(below, key, value, name, False, named)
            if type(value) is dict or type(value) is list:
                stack.append(value)


def _note_string(container: object, place: str | int, value: object, name: str, direct: bool, named: Named) -> None:
    if type(value) is not str:
        return
    scheme = _SCHEME.match(value)
    start = scheme.end() if scheme else 0
    if is_secret_leaf(name, value[start:], direct):
        named.places.setdefault(id(container), {})[place] = (value, start)
        named.values.add(value[start:])
