"""Builds the values of a batch that hold secrets anew, and says where each surrogate stands."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

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
    ((container, place) → replacement). `structural`: key → shape of values that stay.
    """

    def __init__(
        self,
        leaves: Leaves,
        strings: Mapping[str, Redacted],
        named: Mapping[tuple[int, str | int], Redacted],
        structural: Mapping[str, re.Pattern[str]],
    ) -> None:
        self._leaves, self._strings, self._named, self._structural = leaves, strings, named, structural
        self._renamed = leaves.keys.intersection(strings)
        self._copies: dict[int, dict[str | int, object]] = {}
        self._paths: dict[int, str] = {}
        self._roots: dict[int, int] = {}
        self._names: dict[int, dict[str, str]] = {}
        self._known: dict[tuple[str, Redacted], list[Replacement]] = {}

    def rebuild(self, values: list[object]) -> list[tuple[object, list[Replacement]]]:
        """Each of `values` redacted, with its replacements; the same object if it has none."""
        made: list[list[Replacement]] = [[] for _ in values]
        bare = frozenset(number for number, value in enumerate(values) if type(value) is str)
        if self._renamed:
            for number, container in enumerate(self._leaves.containers):
                if type(container) is dict and not self._renamed.isdisjoint(container):
                    self._rename(number, container, made[self._root(number)])
        known, structural, names = self._known, self._structural, self._names
        containers, parents, copies = self._leaves.containers, self._leaves.parents, self._copies
        at_root: dict[tuple[str | int, Redacted], list[Replacement]] = {}
        for number, place, string, redacted in self._hits():
            shape = structural.get(place)  # type: ignore[arg-type]
            if shape is not None and shape.fullmatch(string):
                continue
            if number in names:
                place = names[number][place]  # type: ignore[index]
            if parents[number] < 0 and number not in bare and number not in names:
                # Most replacements stand in the record itself (its `cwd`): no path to build, no parents to copy.
                copy = copies.get(number)
                if copy is None:
                    copy = copies[number] = containers[number].copy()  # type: ignore[attr-defined]
                copy[place] = redacted.text
                again = at_root.get((place, redacted))
                if again is None:
                    again = at_root[place, redacted] = _replacements(_step("$", place), redacted)
                made[number] += again
                continue
            self._owned(number)[place] = redacted.text
            # A bare string of the batch stands in a list of its own, which no path mentions.
            path = "$" if number in bare else _step(self._path(number), place)
            again = known.get((path, redacted))
            if again is None:
                again = known[path, redacted] = _replacements(path, redacted)
            made[self._root(number)] += again
        return [
            (value if number not in copies else copies[number][0] if number in bare else copies[number], made[number])
            for number, value in enumerate(values)
        ]

    def _hits(self) -> Iterator[tuple[int, str | int, str, Redacted]]:
        """What changes: (container, place, string, its replacement)."""
        leaves, strings, named = self._leaves, self._strings, self._named
        where, occurrences, firsts = leaves.where, leaves.occurrences, [*leaves.firsts, len(leaves.occurrences) + 1]
        number = 0
        for hit in [hit for hit, string in enumerate(occurrences) if string in strings]:
            while firsts[number + 1] <= hit:
                number += 1
            if (number, where[hit]) not in named:
                yield number, where[hit], occurrences[hit], strings[occurrences[hit]]
        for (number, place), redacted in named.items():
            yield number, place, self._leaves.containers[number][place], redacted  # type: ignore[index]

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
                copies[parents[each]][self._place(each)] = copy
        return copies[missing[0] if missing else number]

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
    return f"{path}[{place}]" if type(place) is int else f"{path}.{_name(place)}"


def member_path(key: str) -> str:
    """JSON path of a member of the value itself."""
    return _step("$", key)


@lru_cache(maxsize=1024)
def _name(key: str) -> str:
    """A key as a JSON path spells it."""
    return key if _PLAIN_KEY.fullmatch(key) else json.dumps(key)
