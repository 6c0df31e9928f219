"""One session of a published release as a list of entries: what was typed, injected, answered and called, in order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from lake.tell import Told

KINDS = ("human", "injected", "assistant", "thinking", "tool_call", "tool_result", "system", "compaction", "image", "other")
LISTED = 10
"""Sessions listed when a prefix fits several."""

_SESSIONS = """
select found.session_key, found.session_id, towns.name, sessions.agent_address, found.session_started_at
from intermediate.int_sessions as found
left join dim_sessions as sessions on found.session_key = sessions.session_key
left join dim_towns as towns on found.town_id = towns.town_id
where starts_with(found.session_id, $1) or starts_with(found.session_key, $1)
order by found.session_started_at nulls last, found.session_key
limit $2
"""
_MESSAGES = """
select message_key, message_number, agent_key, origin, injection_kind, model, is_compaction, recorded_at
from intermediate.int_messages
where session_key = $1 and {started} and is_on_live_path
order by message_number
"""
_BLOCKS = """
select message_key, block_type, injection_kind, text, call_id, tool_name, tool_input, is_error
from intermediate.int_content_blocks
where session_key = $1 and {started}
order by message_number, block_index
"""


class NoSessionError(Told):
    """No session has an id, or a key, that begins as asked."""


@dataclass
class Entry:
    """One thing in a transcript.

    `kind`: one of `KINDS`. `agent`: `main`, or the sub-agent. `name`: the tool of a call, the kind of an injected text, the model
    of an answer. `text`: what was said, or a call's input as JSON text. `result`: of a call, what came back; None when nothing did.
    """

    number: int
    at: datetime | None
    agent: str
    kind: str
    name: str | None
    text: str | None
    result: str | None = None
    is_error: bool = False


@dataclass(frozen=True)
class SessionId:
    """A session that was found. `agent`: the address, None where unknown. `started_at` is UTC, None when no record has a time."""

    session_key: str
    session_id: str
    town: str | None
    agent: str | None
    started_at: datetime | None


def find_session(connection: duckdb.DuckDBPyConnection, prefix: str) -> SessionId:
    """The one session whose id, or key, begins with `prefix`. Errors: `NoSessionError`, `Told` when there are several."""
    rows = connection.execute(_SESSIONS, [prefix, LISTED + 1]).fetchall()
    found = [SessionId(*row) for row in rows]
    exact = [session for session in found if prefix in (session.session_id, session.session_key)]
    if len(found) == 1 or len(exact) == 1:
        return exact[0] if exact else found[0]
    if not found:
        raise NoSessionError(f"no session with an id that begins with '{prefix}'; list them: forge sql \"from dim_sessions\"")
    lines = [f"  {session.session_id}  {_minute(session.started_at)}  key {session.session_key}" for session in found[:LISTED]]
    more = ["  and more"] if len(found) > LISTED else []
    raise Told("\n".join([f"several sessions begin with '{prefix}'; write more of the id, or the key:", *lines, *more]))


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "no time         "


def read_transcript(connection: duckdb.DuckDBPyConnection, session: SessionId) -> list[Entry]:
    """The live path of a session: abandoned branches are left out. A tool's result stands with its call."""
    # Tables lie in the order of the sessions' starts: naming the start too spares reading most files.
    started = f"session_started_at = timestamptz '{session.started_at}'" if session.started_at else "session_started_at is null"
    which = [session.session_key]
    blocks: dict[str, list[tuple[Any, ...]]] = {}
    for message_key, *block in connection.execute(_BLOCKS.format(started=started), which).fetchall():
        blocks.setdefault(message_key, []).append(tuple(block))
    entries: list[Entry] = []
    calls: dict[tuple[str, str], Entry] = {}
    for message_key, number, agent, origin, injection, model, is_compaction, at in connection.execute(
        _MESSAGES.format(started=started), which
    ).fetchall():
        if is_compaction:
            entries.append(Entry(number, at, agent, "compaction", None, None))
        for block_type, block_injection, text, call_id, tool, tool_input, is_error in blocks.get(message_key, []):
            if block_type == "tool_result" and call_id is not None and (call := calls.pop((agent, call_id), None)):
                call.result, call.is_error = text or "", is_error
                continue
            kind, name = _kind(block_type, origin, block_injection or injection, tool, model)
            entry = Entry(number, at, agent, kind, name, tool_input if kind == "tool_call" else text, is_error=is_error)
            entries.append(entry)
            if kind == "tool_call" and call_id is not None:
                calls[agent, call_id] = entry
    return entries


def _kind(block_type: str, origin: str, injection: str | None, tool: str | None, model: str | None) -> tuple[str, str | None]:
    """What a block is to a reader, and its name."""
    if block_type in ("tool_use", "server_tool_use"):
        return "tool_call", tool
    if block_type in ("tool_result", "image"):
        return block_type, None
    if block_type in ("thinking", "redacted_thinking"):
        return "thinking", model
    if block_type != "text":
        return "other", block_type
    if origin == "injected" or (injection is not None and origin != "assistant"):
        return "injected", injection
    if origin == "assistant":
        return "assistant", model
    return ("human", None) if origin == "human" else ("system", None)
