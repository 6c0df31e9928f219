"""Reads a batch of parsed JSON values for what has to be scanned. No recursion: hostile values nest deeper than Python's stack."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

# Beginnings of base64 images and PDFs. Their random bytes give false alarms, and there is no text in them.
_IMAGE = re.compile(r"(?:iVBORw0KGgo|/9j/|R0lGOD|UklGR|JVBERi0)[A-Za-z0-9+/]{500,}={0,2}", re.ASCII)
_SHORTEST_IMAGE = 512


@dataclass(slots=True)
class Leaves:
    """The containers and strings of a batch.

    `containers`: every dict and list that is not empty, the values of the batch first, parents before children. `parents` and
    `places` say for each where it hangs: position of its parent in `containers` (-1 for the values themselves) and the key or
    index in it. `occurrences`: the strings in the order of their containers, those of container `n` from `firsts[n]` on; `where`:
    their keys or indexes. `keys`: the distinct keys.
    """

    containers: list[object]
    parents: list[int]
    places: list[str | int]
    firsts: list[int] = field(default_factory=list)
    occurrences: list[str] = field(default_factory=list)
    where: list[str | int] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def to_scan(self) -> list[str]:
        """Every distinct string and key, in order of appearance, but for images."""
        strings = dict.fromkeys(self.occurrences)
        strings.update(dict.fromkeys(sorted(self.keys)))
        return scannable(strings)


def scannable(strings: Iterable[str]) -> list[str]:
    """Those of `strings` that may hold a secret: all but images."""
    return [string for string in strings if len(string) < _SHORTEST_IMAGE or not _IMAGE.fullmatch(string)]


def read_leaves(values: list[object]) -> Leaves:
    """The leaves of all `values` together."""
    containers: list[object] = [value if type(value) is dict or type(value) is list else [value] for value in values]
    leaves = Leaves(containers, [-1] * len(values), [0] * len(values))
    occurrences = leaves.occurrences
    note_string, note_where, note_keys, note_first = (
        occurrences.append,
        leaves.where.append,
        leaves.keys.update,
        leaves.firsts.append,
    )
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
                note_where(place)
            elif (kind is dict or kind is list) and value:
                note_container(value)
                note_parent(number)
                note_place(place)
    return leaves
