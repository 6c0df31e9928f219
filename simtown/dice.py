"""Seeded randomness that gives the same values on every machine."""

from collections.abc import Sequence
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Dice(Random):
    """A generator seeded by a text. It uses integer arithmetic, + and × alone: libm's last bits differ between machines."""

    def __init__(self, seed: str) -> None:
        super().__init__()
        self.seed(seed, version=2)

    def uuid(self) -> str:
        """A version 4 UUID."""
        digits = f"{self.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{'89ab'[int(digits[16], 16) & 3]}{digits[17:20]}-{digits[20:]}"

    def hexadecimal(self, length: int) -> str:
        """Lower-case hexadecimal digits."""
        return f"{self.getrandbits(4 * length):0{length}x}"

    def base36(self, length: int) -> str:
        """Digits and lower-case letters."""
        return "".join(self.choices(_BASE36, k=length))

    def base62(self, length: int) -> str:
        """Digits and letters."""
        return "".join(self.choices(_BASE62, k=length))

    def chance(self, rate: float) -> bool:
        """True with probability `rate`."""
        return self.random() < rate

    def quantile(self, table: Sequence[float]) -> float:
        """A value from the distribution whose evenly spaced quantiles (first = minimum, last = maximum) are `table`."""
        return between(table, self.random())


def between(table: Sequence[float], position: float) -> float:
    """Linear interpolation in a table of evenly spaced quantiles; `position` in [0, 1)."""
    place = position * (len(table) - 1)
    low = int(place)
    return table[low] + (table[low + 1] - table[low]) * (place - low)


class Deck(Generic[T]):
    """Deals its cards in shuffled order and shuffles again when they are out: rare cards do come."""

    def __init__(self, dice: Dice, cards: Sequence[T]) -> None:
        self._dice = dice
        self._cards = list(cards)
        self._left: list[T] = []

    def deal(self) -> T:
        """The next card."""
        if not self._left:
            self._left = list(self._cards)
            self._dice.shuffle(self._left)
        return self._left.pop()


def weighted(weights: dict[T, int]) -> list[T]:
    """Cards for a deck: every key as often as its weight says."""
    return [card for card, count in weights.items() for _ in range(count)]


def halton(index: int) -> float:
    """The index-th point of a van der Corput sequence (base 2) in [0, 1): few points already cover a distribution evenly."""
    value, unit = 0.0, 0.5
    number = index + 1
    while number:
        if number & 1:
            value += unit
        unit /= 2
        number >>= 1
    return value
