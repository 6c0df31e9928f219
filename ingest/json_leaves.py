"""Reads a batch of parsed JSON values for what has to be scanned. No recursion: hostile values nest deeper than Python's stack."""

import re
from dataclasses import dataclass

from ingest.secret_words import is_secret_leaf, is_sensitive_key

# Beginnings of base64 images and PDFs. Their random bytes give false alarms, and there is no text in them.
_IMAGE = re.compile(r"(?:iVBORw0KGgo|/9j/|R0lGOD|UklGR|JVBERi0)[A-Za-z0-9+/]{500,}={0,2}", re.ASCII)
_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|digest|apikey)[ ]+")
_SHORTEST_IMAGE = 512


@dataclass(slots=True)
class Leaves:
    """`strings`: every distinct string and key, in order of appearance. `keys`: the distinct keys. `named`: strings that are secrets
    because of the key above them, as container id → place in it → (string, where the secret begins in it)."""

    strings: list[str]
    keys: set[str]
    named: dict[int, dict[str | int, tuple[str, int]]]
    named_values: set[str]


def read_leaves(values: list[object]) -> Leaves:
    """The leaves of all `values` together."""
    strings: dict[str, None] = {}
    dicts: list[dict[str, object]] = []
    keys: set[str] = set()
    stack: list[object] = [values]
    push, pop, note_keys, note_dict = stack.append, stack.pop, keys.update, dicts.append
    while stack:
        container = pop()
        if type(container) is dict:
            note_keys(container)
            note_dict(container)
            below = container.values()
        else:
            below = container  # type: ignore[assignment]
        for value in below:
            kind = type(value)
            if kind is str:
                strings[value] = None  # type: ignore[index]
            elif kind is dict or kind is list:
                push(value)
    leaves = Leaves([], keys, {}, set())
    _read_named(dicts, leaves)
    strings.update(dict.fromkeys(sorted(keys)))
    leaves.strings = [string for string in strings if len(string) < _SHORTEST_IMAGE or not _IMAGE.fullmatch(string)]
    return leaves


def _read_named(dicts: list[dict[str, object]], leaves: Leaves) -> None:
    sensitive = {key for key in leaves.keys if is_sensitive_key(key)}
    pairs = "value" in leaves.keys and ("name" in leaves.keys or "key" in leaves.keys)
    if not sensitive and not pairs:
        return
    for container in dicts:
        if not sensitive.isdisjoint(container):
            for key in sensitive.intersection(container):
                _note(container, key, key, leaves)
        if pairs and "value" in container:
            # {"name": "DB_PASSWORD", "value": "..."}, as container specifications write their environment.
            name = container.get("name", container.get("key"))
            if type(name) is str and is_sensitive_key(name):
                _note(container, "value", name, leaves)


def _note(container: dict[str, object], place: str, name: str, leaves: Leaves) -> None:
    """Note the secrets at `container[place]` and below; deeper ones must look like tokens, for a schema may stand there."""
    _note_string(container, place, container[place], name, True, leaves)
    stack = [container[place]]
    while stack:
        below = stack.pop()
        items: list[tuple[str | int, object]] = (
            list(below.items()) if type(below) is dict else list(enumerate(below)) if type(below) is list else []
        )
        for key, value in items:
            _note_string(below, key, value, name, False, leaves)
            if type(value) is dict or type(value) is list:
                stack.append(value)


def _note_string(container: object, place: str | int, value: object, name: str, direct: bool, leaves: Leaves) -> None:
    if type(value) is not str:
        return
    scheme = _SCHEME.match(value)
    start = scheme.end() if scheme else 0
    if is_secret_leaf(name, value[start:], direct):
        leaves.named.setdefault(id(container), {})[place] = (value, start)
        leaves.named_values.add(value[start:])
