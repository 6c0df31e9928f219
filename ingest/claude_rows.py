"""One Claude Code record → one row of `raw.claude_records`.

Only the envelope is typed here (field names as Claude Code writes them); what a record means is decided in SQL.
"""

import re
from datetime import UTC, datetime
from pathlib import PurePosixPath

from ingest.attribution import Attribution, Place
from ingest.lines import JsonObject

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_AGENT_FILE = re.compile(r"agent-([A-Za-z0-9_-]{1,64})\Z")
_SUBTYPE_HOLDER = {"progress": "data", "attachment": "attachment"}


RecordPlace = tuple[str | None, str, str | None, str | None]
"""Town, attribution, reason, root path of one record."""


def path_facts(name: str) -> tuple[str, str | None, str | None]:
    """(file kind, session id, agent id) from a transcript's path inside its home.

    Main files are `<session>.jsonl`; sub-agent files are `agent-<id>.jsonl`, beside the session in old versions and in
    `<session>/subagents/…` in newer ones.
    """
    path = PurePosixPath(name)
    agent = _AGENT_FILE.match(path.stem)
    if agent is None:
        return "main", path.stem if _UUID.match(path.stem) else None, None
    folders = path.parts[:-1]
    session = folders[folders.index("subagents") - 1] if "subagents" in folders[1:] else None
    return "subagent", session if session and _UUID.match(session) else None, agent.group(1)


def recorded_time(value: object) -> datetime | None:
    """A record's ISO 8601 time as UTC; None for what is no time. A time without a zone is taken as UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str | None:
    return value if type(value) is str else None


def subtype(record: JsonObject) -> str | None:
    """`subtype` of system records, `data.type` of progress records, `attachment.type` of attachments."""
    holder = record.get(_SUBTYPE_HOLDER.get(str(record.get("type")), ""))
    if isinstance(holder, dict):
        return _text(holder.get("type"))
    return _text(record.get("subtype"))


def envelope(record: JsonObject) -> tuple[object, ...]:
    """The typed columns `record_type` … `recorded_at` of a record, in the table's order."""
    get = record.get
    sidechain = get("isSidechain")
    return (
        _text(get("type")),
        subtype(record),
        _text(get("sessionId")),
        _text(get("agentId")),
        _text(get("uuid")),
        _text(get("parentUuid")),
        sidechain if type(sidechain) is bool else None,
        recorded_time(get("timestamp")),
    )


def response_ids(record: JsonObject) -> tuple[str | None, str | None]:
    """(`message.id`, `requestId`) of a record."""
    message = record.get("message")
    return (_text(message.get("id")) if type(message) is dict else None, _text(record.get("requestId")))


class PlaceTracker:
    """Follows the working directory through a session: a record without one lies where the one before it lay.

    A directory under no recorded root does not take a session out of its town; agents step outside now and then.
    """

    def __init__(self, attribution: Attribution, carried: dict[str, str | None]) -> None:
        self._attribution = attribution
        self._town = carried.get("town_id")
        self._reason = carried.get("reason")

    def carry(self) -> dict[str, str | None]:
        """What to hand to the tracker of the next load."""
        return {"town_id": self._town, "reason": self._reason}

    def start(self, place: Place) -> None:
        """Begin in the place of the file's first working directory, which holds for the records before it too."""
        self._town, self._reason = place.town_id, place.reason

    @property
    def town(self) -> str | None:
        """The town of the last record."""
        return self._town

    def place(self, record: JsonObject) -> RecordPlace | None:
        """(town, attribution, reason, root path) of a record; None when it cannot be told in this run."""
        cwd = record.get("cwd")
        if isinstance(cwd, str):
            place = self._attribution.of(cwd)
            if place.kind == "unidentified":
                return None
            if place.kind != "outside":
                self._town, self._reason = place.town_id, place.reason
                return place.town_id, place.kind, place.reason, place.root_path
        return self._town, "ambiguous" if self._reason else "inherited", self._reason, None
