"""Rows to shapes: what the templates of `forge report` draw. Lengths are shares (0 to 1) or units of an SVG's own view box."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

Row = Mapping[str, Any]

OTHER = "other"
LEFT, TOP, WIDTH, HEIGHT = 34.0, 8.0, 300.0, 110.0
"""Where a histogram's bars stand in its view box; its axes are drawn around that."""


@dataclass(frozen=True)
class Stage:
    """A step on the road from files to examples. `losses`: (reason, count), most first."""

    title: str
    kept: int
    losses: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """What came in: what goes on and what does not."""
        return self.kept + sum(count for _, count in self.losses)


def stage(title: str, rows: Iterable[Row] | None) -> Stage | None:
    """A stage from rows of (reason, count), where no reason means that it goes on; None without rows to tell."""
    if rows is None:
        return None
    counts = {row["reason"]: row["count"] for row in rows}
    return Stage(title, counts.pop(None, 0), tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))))


@dataclass(frozen=True)
class Part:
    """One part of a stacked bar. `place`: its category's position, which is its colour; `share`: of the bar's total."""

    name: str
    count: int
    share: float
    place: int


@dataclass(frozen=True)
class Bar:
    """A stacked bar with its label."""

    name: str
    total: int
    parts: tuple[Part, ...]


def stacked(rows: Iterable[Row], *, bar: str, part: str, order: Sequence[str] = (), limit: int = 8) -> tuple[list[str], list[Bar]]:
    """Categories and one stacked bar per value of column `bar`, from rows with a `count`.

    Categories come in `order`, then by how frequent they are; what is beyond `limit` is put together as `other`. Bars keep the
    order in which they first come up.
    """
    counts: dict[str, dict[str, int]] = {}
    frequency: dict[str, int] = {}
    for row in rows:
        inside = counts.setdefault(str(row[bar]), {})
        inside[row[part]] = inside.get(row[part], 0) + row["count"]
        frequency[row[part]] = frequency.get(row[part], 0) + row["count"]
    names = [name for name in order if name in frequency]
    names += sorted(frequency.keys() - set(order), key=lambda name: (-frequency[name], name))
    if len(names) > limit:
        kept = names[: limit - 1]
        for inside in counts.values():
            rest = sum(inside.pop(name, 0) for name in names[limit - 1 :])
            if rest:
                inside[OTHER] = rest
        names = [*kept, OTHER]
    bars = []
    for name, inside in counts.items():
        total = sum(inside.values())
        parts = tuple(
            Part(category, inside[category], inside[category] / total, place)
            for place, category in enumerate(names)
            if inside.get(category)
        )
        bars.append(Bar(name, total, parts))
    return names, bars


@dataclass(frozen=True)
class Column:
    """One column of a histogram: rectangles from the bottom up as (series, y, height, count), at `x` with `width`."""

    x: float
    width: float
    label: str
    rectangles: tuple[tuple[int, float, float, int], ...]


@dataclass(frozen=True)
class Histogram:
    """A histogram of one role. `ticks`: (x, label) below; `highest`: the count that the top line stands for."""

    name: str
    total: int
    columns: tuple[Column, ...]
    ticks: tuple[tuple[float, str], ...]
    highest: int


def histograms(
    rows: Sequence[Row], *, series: Sequence[str], labels: Mapping[int, str], ticks: Mapping[int, str], name: str = "role"
) -> list[Histogram]:
    """One histogram per role, all over the same bins. `rows`: sorted by role, with `bin` and a count per series.

    `labels`: bin → what it holds, in words, for all bins there are; `ticks`: bin → what to write at its left edge (the bin after
    the last one stands for the right end).
    """
    first, step = min(labels), WIDTH / len(labels)
    places = tuple((LEFT + (number - first) * step, text) for number, text in ticks.items())
    found = []
    for role, members in groupby(rows, key=lambda row: row[name]):
        inside = {row["bin"]: [row[one] for one in series] for row in members}
        highest = max(sum(counts) for counts in inside.values())
        columns = []
        for number, counts in sorted(inside.items()):
            below, rectangles = 0.0, []
            for place, count in enumerate(counts):
                height = HEIGHT * count / highest
                if count:
                    rectangles.append((place, round(TOP + HEIGHT - below - height, 2), round(height, 2), count))
                below += height
            x = LEFT + (number - first) * step
            columns.append(Column(round(x + 0.6, 2), round(step - 1.2, 2), labels[number], tuple(rectangles)))
        total = sum(sum(counts) for counts in inside.values())
        found.append(Histogram(str(role), total, tuple(columns), places, highest))
    return found


def score_histograms(rows: Sequence[Row]) -> list[Histogram]:
    """Scores from 0 to 1 in twenty bins: kept below, the others above."""
    labels = {number: f"{number / 20:.2f} to {(number + 1) / 20:.2f}" for number in range(20)}
    return histograms(rows, series=("kept", "others"), labels=labels, ticks={0: "0", 5: "0.25", 10: "0.5", 15: "0.75", 20: "1"})


def token_histograms(rows: Sequence[Row]) -> list[Histogram]:
    """Token counts in two bins per doubling, from the smallest to the largest there is."""
    if not rows:
        return []
    first, last = min(row["bin"] for row in rows) // 2 * 2, max(row["bin"] for row in rows) // 2 * 2 + 1
    labels = {number: f"{_tokens(number)} to {_tokens(number + 1)} tokens" for number in range(first, last + 1)}
    apart = 2 * max(1, (last + 1 - first) // 2 // 4)
    ticks = {number: _tokens(number) for number in range(first, last + 2, apart)}
    return histograms(rows, series=("examples",), labels=labels, ticks=ticks)


def _tokens(number: int) -> str:
    """Where a bin begins: 2 to the power of half its number, as people write it."""
    edge = round(2 ** (number / 2))
    return f"{edge / 1024:.3g}k" if edge >= 1024 else str(edge)
