"""The `telemetry` entry of a town in `towns.yaml`: which log store is asked, for what, how far back, with which login."""

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import yaml

from ingest.declared_secret import DeclaredSecret, Locate, read_secret
from ingest.positioned_yaml import PolicyReader, kind_of

EVENTS = ("done", "agent.instantiate", "session.*", "sling", "daemon.restart", "agent.usage", "claude_code.*")
"""What is asked for unless `events` says otherwise; a star at the end stands for any end."""
LOOKBACK = timedelta(days=30)
OVERLAP = timedelta(hours=2)

_KEYS = (
    "url",
    "filter",
    "events",
    "lookback",
    "overlap",
    "user",
    "password_env",
    "password_file",
    "token_env",
    "token_file",
    "tls_ca",
)
_EVENT = re.compile(r"[A-Za-z0-9_.-]+\*?")
_SPAN = re.compile(r"([0-9]{1,5})(m|h|d)")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class TelemetryStore:
    """A town's log store (VictoriaLogs) as it is declared.

    `url`: without a slash at its end. `filter`: LogsQL that tells this town's records from others' in the same store. `lookback`:
    how far the first load reaches; `overlap`: how far each later one goes back behind the last. `line`: where towns.yaml names it.
    """

    url: str
    line: int
    filter: str | None = None
    events: tuple[str, ...] = EVENTS
    lookback: timedelta = LOOKBACK
    overlap: timedelta = OVERLAP
    user: str | None = None
    password: DeclaredSecret | None = None
    token: DeclaredSecret | None = None
    tls_ca: str | None = None

    @property
    def address(self) -> str:
        """How people call it: host and port."""
        return urlsplit(self.url).netloc

    def is_same_question(self, other: "TelemetryStore") -> bool:
        """Whether two towns would be given each other's records."""
        return (self.url, self.filter) == (other.url, other.filter)

    def wants(self, event: str) -> bool:
        """Whether an event of this name is asked for."""
        return any(event.startswith(name[:-1]) if name.endswith("*") else event == name for name in self.events)


def read_telemetry(reader: PolicyReader, node: yaml.Node, key: str, locate: Locate) -> TelemetryStore | None:
    """Read a town's `telemetry` entry; mistakes are noted with the reader, and then there is no store."""
    known = len(reader.problems)
    entries = reader.mapping(node, key, _KEYS)
    line = node.start_mark.line + 1
    if "url" not in entries and len(reader.problems) == known:
        reader.problem(node, f"{key}.url", "is missing; write where VictoriaLogs listens, such as http://127.0.0.1:9428")
    url = _url(reader, entries["url"], f"{key}.url") if "url" in entries else ""
    texts = {
        name: reader.text(entries[name], f"{key}.{name}", what)
        for name, what in (("filter", "a LogsQL filter"), ("user", "the name that goes with the password"))
        if name in entries
    }
    password = read_secret(reader, entries, key, "password", line, locate)
    token = read_secret(reader, entries, key, "token", line, locate)
    has_password = "password_env" in entries or "password_file" in entries
    has_token = "token_env" in entries or "token_file" in entries
    if has_password != ("user" in entries):
        reader.problem(node, key, "needs `user` and a password together, or neither")
    if has_password and has_token:
        reader.problem(node, key, "has a password and a token; keep one of them")
    if (has_password or has_token) and url.startswith("http://") and urlsplit(url).hostname not in _LOOPBACK:
        reader.problem(entries["url"], f"{key}.url", "would carry the login in the clear; use https://")
    if "tls_ca" in entries and url.startswith("http://"):
        reader.problem(entries["tls_ca"], f"{key}.tls_ca", "needs an https:// url")
    store = TelemetryStore(
        url=url,
        line=line,
        filter=texts.get("filter"),
        events=_events(reader, entries["events"], f"{key}.events") if "events" in entries else EVENTS,
        lookback=_span(reader, entries["lookback"], f"{key}.lookback") if "lookback" in entries else LOOKBACK,
        overlap=_span(reader, entries["overlap"], f"{key}.overlap") if "overlap" in entries else OVERLAP,
        user=texts.get("user"),
        password=password if has_password else None,
        token=token if has_token else None,
        tls_ca=locate(entries["tls_ca"], f"{key}.tls_ca", "a file of CA certificates (PEM)") if "tls_ca" in entries else None,
    )
    return None if len(reader.problems) > known else store


def _url(reader: PolicyReader, node: yaml.Node, key: str) -> str:
    """The address. It is not repeated in a complaint: somebody may have written a password into it."""
    text = reader.text(node, key, "an http:// or https:// address")
    if text is None:
        return ""
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_good = False
    else:
        if "@" in parts.netloc:
            reader.problem(node, key, "holds a login; write `user` and `password_env` or `password_file` instead")
            return ""
        is_good = is_good and not parts.query and not parts.fragment
    if not is_good:
        reader.problem(node, key, "must be an http:// or https:// address without a query, such as http://127.0.0.1:9428")
        return ""
    return text.rstrip("/")


def _events(reader: PolicyReader, node: yaml.Node, key: str) -> tuple[str, ...]:
    found: list[str] = []
    for name, item in reader.texts(node, key, "names of events, such as done or session.*"):
        if not _EVENT.fullmatch(name):
            reader.problem(
                item, key, f"'{name}' is no name of events; write letters, digits, '_', '.', '-', with '*' at the end or not"
            )
        else:
            found.append(name)
    if not found:
        reader.problem(node, key, "names no event; remove the key to ask for the usual ones")
    return tuple(found)


def _span(reader: PolicyReader, node: yaml.Node, key: str) -> timedelta:
    found = _SPAN.fullmatch(str(node.value)) if isinstance(node, yaml.ScalarNode) else None
    if found is None or not int(found[1]):
        reader.problem(node, key, f"must be a number of days, hours or minutes, such as 30d, 12h or 90m; it is {kind_of(node)}")
        return LOOKBACK
    return int(found[1]) * _UNITS[found[2]]
