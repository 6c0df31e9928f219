"""Builds the values of a batch that hold secrets anew, and says where each surrogate stands."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ingest.json_leaves import Leaves

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


class Rebuilder:
    """Rebuilds the values of one batch.

    `strings`: what to replace wherever it stands, keys included. `named`: what to replace at one place of one container only
    (container id → place → replacement). `structural`: key → shape of values that stay.
    """

    def __init__(
        self,
        leaves: Leaves,
        strings: Mapping[str, Redacted],
        named: Mapping[int, Mapping[str | int, Redacted]],
        structural: Mapping[str, re.Pattern[str]],
    ) -> None:
        self._leaves, self._strings, self._named, self._structural = leaves, strings, named, structural
        self._renamed = leaves.keys.intersection(strings)
        self._copies: dict[int, object] = {}
        # A bare string of the batch stands in a list of its own, which no path mentions.
        self._bare: frozenset[int] = frozenset()
        self._paths: dict[int, str] = {}
        self._roots: dict[int, int] = {}
        self._names: dict[int, dict[str, str]] = {}
        self._known: dict[tuple[str, Redacted], list[Replacement]] = {}

    def rebuild(self, values: list[object]) -> list[tuple[object, list[Replacement]]]:
        """Each of `values` redacted, with its replacements; the same object if it has none."""
        made: list[list[Replacement]] = [[] for _ in values]
        self._bare = frozenset(number for number, value in enumerate(values) if type(value) is str)
        for number in self._touched():
            root = self._root(number)
            container = self._leaves.containers[number]
            here = self._named.get(id(container), {})
            if type(container) is dict:
                if not self._renamed.isdisjoint(container):
                    self._rename(number, container, made[root])
                self._replace(number, container.items(), here, made[root])
            else:
                self._replace(number, enumerate(container), here, made[root])  # type: ignore[arg-type]
        results: list[tuple[object, list[Replacement]]] = []
        for number, value in enumerate(values):
            new = self._copies.get(number, value)
            if new is not value and type(value) is str:
                new = new[0]  # type: ignore[index]
            results.append((new, made[number]))
        return results

    def _touched(self) -> Iterable[int]:
        """The containers in which something changes, parents before children."""
        leaves, strings = self._leaves, self._strings
        touched: set[int] = set()
        number, firsts = 0, [*leaves.firsts, len(leaves.occurrences) + 1]
        for place in [place for place, string in enumerate(leaves.occurrences) if string in strings]:
            while firsts[number + 1] <= place:
                number += 1
            touched.add(number)
        if self._named or self._renamed:
            for number, container in enumerate(leaves.containers):
                if id(container) in self._named or (type(container) is dict and not self._renamed.isdisjoint(container)):
                    touched.add(number)
        return sorted(touched)

    def _replace(
        self, number: int, items: Iterable[tuple[str | int, object]], here: Mapping[str | int, Redacted], made: list[Replacement]
    ) -> None:
        strings, structural, path, names = self._strings, self._structural, "", self._names.get(number)
        owned: dict[str | int, object] | None = None
        for place, child in items:
            if type(child) is not str:
                continue
            redacted = here.get(place) or strings.get(child)
            if redacted is None:
                continue
            shape = structural.get(place)  # type: ignore[call-overload]
            if shape is not None and shape.fullmatch(child):
                continue
            if owned is None:
                owned, path = self._owned(number), self._path(number)
            if names is not None:
                place = names[place]  # type: ignore[index]
            owned[place] = redacted.text
            where = "$" if number in self._bare else _step(path, place)
            known = self._known.get((where, redacted))
            if known is None:
                known = self._known[where, redacted] = _replacements(where, redacted)
            made += known

    def _rename(self, number: int, container: dict[str, object], made: list[Replacement]) -> None:
        """Give a dict's copy its new keys."""
        names: dict[str, str] = {}
        taken = {key for key in container if key not in self._renamed}
        path = self._path(number)
        for key in container:
            redacted = self._strings.get(key)
            name = key if redacted is None else redacted.text
            if redacted is not None:
                # Two keys may share a surrogate (there are few addresses to draw from); neither may swallow the other.
                count = 2
                while name in taken:
                    name, count = f"{redacted.text}#{count}", count + 1
                taken.add(name)
                made += _replacements(f"{_step(path, name)}~key", redacted)
            names[key] = name
        self._names[number] = names
        owned = self._owned(number)
        owned.clear()
        owned.update({names[key]: value for key, value in container.items()})

    def _place(self, number: int) -> str | int:
        """Where a container hangs in its parent's copy."""
        place = self._leaves.places[number]
        names = self._names.get(self._leaves.parents[number])
        return place if names is None else names[place]  # type: ignore[index]

    def _owned(self, number: int) -> dict[str | int, object]:
        """The copy of a container that may be changed, made together with copies of everything above it."""
        copies, parents = self._copies, self._leaves.parents
        missing = []
        while number >= 0 and number not in copies:
            missing.append(number)
            number = parents[number]
        for each in reversed(missing):
            copies[each] = copy = self._leaves.containers[each].copy()  # type: ignore[attr-defined]
            if parents[each] >= 0:
                copies[parents[each]][self._place(each)] = copy  # type: ignore[index]
        return copies[missing[0] if missing else number]  # type: ignore[return-value]

    def _path(self, number: int) -> str:
        """JSON path of a container, as DuckDB and others read it: `$.message.content[0]`, `$."a.b"`."""
        paths, parents = self._paths, self._leaves.parents
        missing = []
        while number >= 0 and number not in paths:
            missing.append(number)
            number = parents[number]
        path = paths[number] if number >= 0 else "$"
        for each in reversed(missing):
            path = paths[each] = path if parents[each] < 0 else _step(path, self._place(each))
        return path

    def _root(self, number: int) -> int:
        roots, parents = self._roots, self._leaves.parents
        missing = []
        while parents[number] >= 0 and number not in roots:
            missing.append(number)
            number = parents[number]
        root = roots.get(number, number)
        for each in missing:
            roots[each] = root
        return root


def _replacements(path: str, redacted: Redacted) -> list[Replacement]:
    return [Replacement(path, start, end, rule, surrogate) for start, end, rule, surrogate in redacted.surrogates]


def _step(path: str, place: str | int) -> str:
    if type(place) is int:
        return f"{path}[{place}]"
    return f"{path}.{place}" if _PLAIN_KEY.fullmatch(place) else f"{path}.{json.dumps(place)}"  # type: ignore[arg-type]
