"""A reviewer's queue: one episode after the other, one keystroke a verdict, then a reason if there is one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from training.keyboard import END
from training.sample import Drawn, Judged

VERDICT_KEYS = {"g": "good", "b": "bad", "u": "unsure"}
KEYS = "g good   b bad   u unsure   s skip   p previous   f in full   q quit"
REASON = "why (Enter: no reason, Esc: take it back)? "


class Keys(Protocol):
    """Where keystrokes come from."""

    def key(self) -> str:
        """One character."""
        ...

    def line(self, prompt: str) -> str | None:
        """A line, None when it was taken back."""
        ...


@dataclass(frozen=True)
class Task:
    """One episode of the queue."""

    cycle: int
    episode: Judged
    drawn: Drawn | None


Show = Callable[[Task, int, int, bool], None]
Confirm = Callable[[Task, str, str | None], None]


def review(queue: Sequence[Task], keys: Keys, show: Show, confirm: Confirm, tell: Callable[[str], None]) -> None:
    """Go through the queue until its end, or until the reviewer quits.

    `show`: prints the task with its place, how many there are, and whether in full. `confirm`: keeps a verdict with its reason;
    what it has kept stays, whatever happens next. A skipped episode comes again at the next sitting.
    """
    place = 0
    shown: tuple[int, bool] | None = None
    is_full = False
    while place < len(queue):
        if shown != (place, is_full):
            show(queue[place], place + 1, len(queue), is_full)
            shown = place, is_full
        tell(KEYS)
        key = keys.key()
        if key in ("q", END):
            return
        if key in VERDICT_KEYS:
            reason = keys.line(f"{VERDICT_KEYS[key]}; {REASON}")
            if reason is None:
                continue
            confirm(queue[place], VERDICT_KEYS[key], reason or None)
            place, is_full = place + 1, False
        elif key == "s":
            place, is_full = place + 1, False
        elif key == "p":
            place, is_full = max(place - 1, 0), False
        elif key == "f":
            is_full = True
