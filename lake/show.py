"""`forge show`: a session as people read it, in the terminal."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.text import Text

from lake.duck import connect
from lake.tell import say, width
from lake.transcript import Entry, SessionId, find_session, read_transcript

FOLDED = 160
"""Characters shown of what is folded."""
_STYLES = {
    "human": "bold green",
    "assistant": "default",
    "thinking": "italic dim",
    "tool_call": "cyan",
    "tool_result": "dim",
    "injected": "dim",
    "system": "dim",
    "compaction": "bold yellow",
}
# Transcripts hold what programs printed, escape sequences too; they must not steer the reader's terminal.
_CONTROL = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)?|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def show_session(lake: Path, prefix: str, *, full: bool, as_json: bool) -> None:
    """Print the session whose id begins with `prefix`. Errors: `Told` when there is none or several, `NoCatalogError`."""
    with connect(lake) as connection:
        session = find_session(connection, prefix)
        entries = read_transcript(connection, session)
    if as_json:
        for entry in entries:
            say(json.dumps(asdict(entry), ensure_ascii=False, default=lambda value: value.isoformat()))
        return
    console = Console(width=width(), highlight=False, soft_wrap=False)
    for text in render(session, entries, full=full):
        console.print(text)


def plain(text: str) -> str:
    """A text without anything that a terminal would obey, but for line ends and tabs."""
    return _CONTROL.sub("", text)


def fold(text: str) -> str:
    """The first line of a text, cut, with the number of characters that are not shown."""
    whole = plain(text).strip()
    first = whole.split("\n", 1)[0][:FOLDED].rstrip()
    hidden = len(whole) - len(first)
    return f"{first} … {hidden:,} more characters" if hidden > 0 else first


def render(session: SessionId, entries: list[Entry], *, full: bool) -> Iterator[Text]:
    """A transcript as styled lines. Without `full`, injected text, thinking, calls and results are folded to one line each."""
    started = f"{session.started_at:%Y-%m-%d %H:%M} UTC" if session.started_at else "no time"
    whose = f"{session.agent or 'unknown agent'} of {session.town or 'unknown town'}"
    yield Text(plain(f"session {session.session_id}  {whose}  {started}"), style="bold")
    yield from render_entries(entries, full=full)


def render_entries(entries: list[Entry], *, full: bool) -> Iterator[Text]:
    """The entries of a transcript, or of a part of it, as `render` shows them."""
    for entry in entries:
        yield _head(entry)
        indent = "  " if entry.agent == "main" else "    "
        style = _STYLES.get(entry.kind, "dim")
        if entry.text is not None:
            text = _input(entry.text) if entry.kind == "tool_call" else entry.text
            is_whole = full or entry.kind in ("human", "assistant")
            yield _indented(plain(text).strip() if is_whole else fold(text), indent, style)
        if entry.kind == "tool_call":
            yield _result(entry, indent, full=full)


def _head(entry: Entry) -> Text:
    at = f"{entry.at:%H:%M:%S}" if entry.at else "--:--:--"
    name = f" {plain(entry.name)}" if entry.name else ""
    agent = "" if entry.agent == "main" else f"  (sub-agent {plain(entry.agent)})"
    indent = "" if entry.agent == "main" else "  "
    return Text(f"\n{indent}{at} {entry.kind.replace('_', ' ')}{name}{agent}", style=_STYLES.get(entry.kind, "dim"))


def _input(text: str) -> str:
    """A tool's input: `key: value` lines read better than JSON."""
    try:
        fields = json.loads(text)
    except ValueError:
        return text
    if not isinstance(fields, dict):
        return text
    return "\n".join(
        f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()
    )


def _result(entry: Entry, indent: str, *, full: bool) -> Text:
    if entry.result is None:
        return Text(f"{indent}-> no result", style="dim")
    text = plain(entry.result).strip() if full else fold(entry.result)
    return _indented(f"-> {'error: ' if entry.is_error else ''}{text}", indent, "red" if entry.is_error else "dim")


def _indented(text: str, indent: str, style: str) -> Text:
    return Text("\n".join(indent + line for line in text.split("\n")), style=style)
