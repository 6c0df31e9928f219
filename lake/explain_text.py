"""How explanations are written: one line a fact, sections under a bold head, refused evidence dimmed, nothing a terminal obeys."""

from datetime import datetime

from rich.text import Text

from lake.explanation import Row
from lake.show import plain

SHOWN = 120
"""Characters shown of a text that somebody wrote."""


def head(text: str) -> Text:
    """A section's head."""
    return Text(plain(text), style="bold")


def line(text: str, *, depth: int = 1, style: str = "") -> Text:
    """A fact, indented by its depth."""
    return Text("  " * depth + plain(text), style=style)


def at(moment: datetime | None) -> str:
    """A time to the minute, UTC."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "time unknown    "


def number(value: float | None) -> str:
    """A share or score with two decimals."""
    return "-" if value is None else f"{value:.2f}"


def short(text: str | None) -> str:
    """A text that somebody wrote, on one line, cut."""
    if not text:
        return ""
    flat = " ".join(plain(text).split())
    return flat if len(flat) <= SHOWN else flat[: SHOWN - 1] + "…"


def said(row: Row, *names: str) -> str:
    """`name value` for each of the row's columns that has something to say; flags by their name alone."""
    parts = []
    for name in names:
        value = row.get(name)
        if value is True:
            parts.append(name.removeprefix("is_").removeprefix("has_").replace("_", " "))
        elif value not in (None, False, 0, "", []):
            shown = number(value) if isinstance(value, float) else at(value) if isinstance(value, datetime) else short(str(value))
            parts.append(f"{name.replace('_', ' ')} {shown}")
    return ", ".join(parts)
