"""One Claude Code transcript file in the making: envelopes, ids, the parent chain, responses split over records.

Shapes follow what versions 1.0 to 2.1 write: one content block per assistant record, usage repeated on each, progress records
hanging off the call they belong to, the tool result's parent being the record that made the call.
"""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from simtown.clock import SECOND, millis
from simtown.dice import Dice
from simtown.noise import rate

Record = dict[str, Any]
Block = dict[str, Any]

OLD, MIDDLE, NEW = "2.0.28", "2.1.39", "2.1.104"


def set_modified(path: Path, ms: int) -> None:
    """Give a file the modification time it would have had: loaders record it, so the clock must not."""
    os.utime(path, ns=(ms * 1_000_000, ms * 1_000_000))


@dataclass
class Usage:
    """Token counts of a transcript, counted once per API response with the maximum per field."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0


@dataclass
class Transcript:
    """A file of records. `now` is the simulated time in ms; every record advances it a little.

    Behind a gateway (`is_gateway`) responses have no requestId.
    """

    path: Path
    session_id: str
    cwd: str
    branch: str
    version: str
    model: str
    dice: Dice
    now: int
    agent_id: str | None = None
    slug: str = ""
    parent: str | None = None
    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    types: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)
    responses: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    has_placeholder_usage: bool = False
    is_gateway: bool = False
    first_uuid: str | None = None
    last_uuid: str | None = None
    started: int = 0
    context_tokens: int = 9000
    ends_with_newline: bool = True
    found_secrets: list[tuple[int, str | None, Record]] = field(default_factory=list)
    watched: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.started = self.now

    # ---- records -------------------------------------------------------------------------------------------------

    def write(self, record: Record) -> None:
        """Append a record as it is."""
        line = orjson.dumps(record)
        if self.watched and any(value in line.decode() for value in self.watched):
            self.found_secrets.append((len(self.lines), record.get("uuid"), record))
        self.lines.append(line)
        self.size += len(line) + 1
        self.types[record["type"]] += 1

    def tick(self, low: int = 40, high: int = 900) -> int:
        """Advance the clock by `low`–`high` ms and return it."""
        self.now += low + int(self.dice.random() * (high - low))
        return self.now

    def envelope(self, kind: str, parent: str | None, **fields: Any) -> Record:
        """The fields every conversation record has, then `fields`, uuid and timestamp."""
        record: Record = {
            "parentUuid": parent,
            "isSidechain": self.agent_id is not None,
            "userType": "external",
            "cwd": self.cwd,
            "sessionId": self.session_id,
            "version": self.version,
            "gitBranch": self.branch,
        }
        if self.agent_id is not None:
            record["agentId"] = self.agent_id
        if self.slug:
            record["slug"] = self.slug
        record["type"] = kind
        record.update(fields)
        record["uuid"] = self.dice.uuid()
        record["timestamp"] = millis(self.now)
        return record

    def add(self, kind: str, parent: str | None = "", **fields: Any) -> str:
        """Append a record with an envelope that continues the chain; returns its uuid. `parent=''` means the last one."""
        record = self.envelope(kind, self.parent if parent == "" else parent, **fields)
        self.write(record)
        uuid: str = record["uuid"]
        self.parent = uuid
        self.first_uuid = self.first_uuid or uuid
        self.last_uuid = uuid
        return uuid

    def user(self, content: Any, **fields: Any) -> str:
        """A user record: `content` is a string or a list of blocks."""
        self.tick(200, 1500)
        return self.add("user", message={"role": "user", "content": content}, **fields)

    def system(self, subtype: str, content: str | None = None, **fields: Any) -> str:
        """A system record."""
        self.tick()
        body: Record = {"subtype": subtype}
        if content is not None:
            body["content"] = content
        return self.add("system", **body, isMeta=False, level="info", **fields)

    def attachment(self, **body: Any) -> str:
        """An attachment record (newer versions)."""
        return self.add("attachment", attachment=body)

    def progress(self, parent: str | None, data: Record, tool: str, parent_tool: str | None = None) -> str:
        """A progress record; it hangs off `parent` and the conversation does not continue from it. Returns its uuid."""
        record = self.envelope("progress", parent, data=data, toolUseID=tool, parentToolUseID=parent_tool or tool)
        self.write(record)
        uuid: str = record["uuid"]
        return uuid

    # ---- API responses -------------------------------------------------------------------------------------------

    def message_ids(self) -> tuple[str, str]:
        """A fresh `message.id` and `requestId`."""
        return "msg_01" + self.dice.base62(22), "req_011C" + self.dice.base62(20)

    def respond(self, blocks: list[Block], stop_reason: str | None = None) -> list[str]:
        """One API response: one record per block, the usage repeated, sometimes with partial output counts first."""
        dice = self.dice
        message_id, request_id = self.message_ids()
        written = sum(len(str(block.get("text") or block.get("thinking") or block.get("input"))) for block in blocks)
        output = 2 if self.has_placeholder_usage else written // 4 + 8
        created = 200 + dice.randrange(2600)
        usage = {
            "input_tokens": 1 + dice.randrange(9),
            "cache_creation_input_tokens": created,
            "cache_read_input_tokens": self.context_tokens,
            "cache_creation": {"ephemeral_5m_input_tokens": created, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output,
            "service_tier": "standard",
        }
        # Conflicts need a second record, which about 60 % of responses have.
        conflicts = len(blocks) > 1 and not self.has_placeholder_usage and dice.chance(min(1.0, rate("usage_conflicts") / 0.6))
        uuids = []
        for number, block in enumerate(blocks):
            is_last = number + 1 == len(blocks)
            shown = usage if is_last or not conflicts else {**usage, "output_tokens": 1 + dice.randrange(min(output, 9))}
            self.tick(300, 2600)
            message = {
                "model": self.model,
                "id": message_id,
                "type": "message",
                "role": "assistant",
                "content": [block],
                "stop_reason": stop_reason if is_last else None,
                "stop_sequence": None,
                "usage": shown,
            }
            fields = {} if self.is_gateway else {"requestId": request_id}
            uuids.append(self.add("assistant", message=message, **fields))
        self.responses += 1
        self.usage.input_tokens += usage["input_tokens"]  # type: ignore[operator]
        self.usage.output_tokens += output
        self.usage.cache_creation_input_tokens += created
        self.usage.cache_read_input_tokens += self.context_tokens
        self.context_tokens = min(self.context_tokens + created, 168_000)
        return uuids

    def say(self, text: str, stop_reason: str | None = None) -> str:
        """An assistant response that is text alone; returns the record's uuid."""
        return self.respond([{"type": "text", "text": text}], stop_reason)[-1]

    def result(self, call: str, caller: str, content: Any, is_error: bool | None, structured: Any) -> str:
        """The user record that brings a tool's result; the chain continues from it."""
        block: Block = {"tool_use_id": call, "type": "tool_result", "content": content}
        if is_error is not None:
            block["is_error"] = is_error
        self.tool_errors += bool(is_error)
        fields: Record = {} if structured is None else {"toolUseResult": structured}
        if self.version != OLD:
            fields["sourceToolAssistantUUID"] = caller
        return self.add("user", caller, message={"role": "user", "content": [block]}, **fields)

    def idle(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds * SECOND

    def save(self) -> None:
        """Write the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        body = b"\n".join(self.lines)
        self.path.write_bytes(body + b"\n" if self.ends_with_newline and body else body)
        set_modified(self.path, self.now)
