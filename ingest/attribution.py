"""Which town a recorded working directory belongs to."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ingest.recorded_paths import comparable, components
from ingest.towns import Town

CACHE = 65_536
"""Working directories remembered: more than a home holds, and a few megabytes at most."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a working directory lies.

    `kind`: `cwd` (in the town `town_id`), `outside` (under no recorded root: not ours to read), `ambiguous` (several towns
    claim it), `unidentified` (under a root of a town whose id is not known in this run, because it could not be reached:
    to be looked at again, neither loaded nor set aside).
    `root_path`: the path relative to its recorded root, with `/`, `.` at the root itself; None outside.
    `reason`: for `ambiguous` and `unidentified` the towns that claim the path, else None.
    """

    town_id: str | None
    root_path: str | None
    kind: Literal["cwd", "outside", "ambiguous", "unidentified"]
    reason: str | None = None


OUTSIDE = Place(None, None, "outside")


class Attribution:
    """Attributes working directories to towns: the longest recorded root that holds the path wins.

    `towns`: towns with their ids; None for a town that could not be identified in this run. Give only the towns that declare
    the home whose files are read: two machines may well have worked under the same path.
    """

    def __init__(self, towns: Iterable[tuple[Town, str | None]]) -> None:
        self._owners: dict[tuple[str, ...], dict[str, str | None]] = {}
        for town, town_id in towns:
            for root in town.recorded_roots:
                parts = components(root)
                if parts is None:
                    raise ValueError(f"town {town.name}: recorded root '{root}' is not absolute")
                self._owners.setdefault(comparable(parts), {})[town.name] = town_id
        self._lengths = sorted({len(root) for root in self._owners}, reverse=True)
        self._cached = lru_cache(maxsize=CACHE)(self._find)

    def of(self, cwd: str) -> Place:
        """The place of one recorded working directory. Anything that is no absolute path is outside."""
        return self._cached(cwd)

    def _find(self, cwd: str) -> Place:
        parts = components(cwd)
        if parts is None:
            return OUTSIDE
        compared = comparable(parts)
        for length in self._lengths:
            owners = self._owners.get(compared[:length]) if length <= len(compared) else None
            if owners is None:
                continue
            below = "/".join(parts[length:]) or "."
            names = ", ".join(sorted(owners))
            ids = set(owners.values())
            if None in ids:
                return Place(None, below, "unidentified", f"claimed by {names}, not all identified in this run")
            if len(ids) > 1:
                return Place(None, below, "ambiguous", f"claimed by {names}")
            return Place(ids.pop(), below, "cwd")
        return OUTSIDE
