"""Strings that are secrets because of the key above them: `{"password": "..."}`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.json_leaves import Leaves
from ingest.secret_words import is_secret_leaf, is_sensitive_key

_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|digest|apikey)[ ]+")


@dataclass(frozen=True, slots=True)
class NamedSecret:
    """The string at `place` of container `number` is a secret from character `start` on."""

    number: int
    place: str | int
    string: str
    start: int

    @property
    def value(self) -> str:
        return self.string[self.start :]


def read_named(leaves: Leaves) -> list[NamedSecret]:
    """The strings below keys that name secrets."""
    sensitive = {key for key in leaves.keys if is_sensitive_key(key)}
    pairs = "value" in leaves.keys and ("name" in leaves.keys or "key" in leaves.keys)
    if not sensitive and not pairs:
        return []
    found: list[NamedSecret] = []
    inherited: dict[int, str] = {}
    for number, container in enumerate(leaves.containers):
        # Parents come before children: what the parent is named after is known by now.
        parent, place = leaves.parents[number], leaves.places[number]
        name = inherited.get(parent)
        if name is None and type(place) is str and place in sensitive and parent >= 0:
            name = place
        if name is not None:
            inherited[number] = name
        if type(container) is dict:
            for key, owner in _names(container, sensitive, pairs):
                found += _named(number, key, container[key], owner, True)
        if name is not None:
            items = container.items() if type(container) is dict else enumerate(container)  # type: ignore[arg-type]
            for key, value in items:
                # A schema may stand below such a key, so what is deeper must look like a token.
                found += _named(number, key, value, name, False)
    return found


def _names(container: dict[str, object], sensitive: set[str], pairs: bool) -> Iterator[tuple[str, str]]:
    """The keys of a dict whose strings are secrets, each with the name that says so."""
    if not sensitive.isdisjoint(container):
        for key in sorted(sensitive.intersection(container)):
            yield key, key
    if pairs and "value" in container:
        # {"name": "DB_PASSWORD", "value": "..."}, as container specifications write their environment.
        name = container.get("name", container.get("key"))
        if type(name) is str and is_sensitive_key(name):
            yield "value", name


def _named(number: int, place: str | int, value: object, name: str, direct: bool) -> Iterator[NamedSecret]:
    if type(value) is str:
        scheme = _SCHEME.match(value)
        start = scheme.end() if scheme else 0
        if is_secret_leaf(name, value[start:], direct):
            yield NamedSecret(number, place, value, start)
