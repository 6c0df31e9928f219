"""A log store that answers LogsQL queries from recorded lines, over a real connection on loopback, and can be told to misbehave."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import yaml

PATH = "/select/logsql/query"
_EXACT = re.compile(r'_msg:="([^"]+)"(\*?)')
_DELETE = re.compile(r"\| delete (.*)$")


@dataclass
class LogsqlServer:
    """`lines`: the recorded response, without line ends. `asked`: the form fields of every query that came.

    `faults`: what to do with the next queries, first to last, instead of answering well: `busy` (503), `cut` (hang up in the middle
    of a record), `short` (end the answer in the middle of a record as if it were whole). When `dies_after` queries were answered,
    all further ones are cut. `token`: the login that is wanted.
    """

    lines: list[bytes] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    dies_after: int | None = None
    token: str | None = None
    port: int = 0
    ignores_delete: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, **record: object) -> None:
        """One more record."""
        self.lines.append(json.dumps(record).encode())

    def answer(self, asked: dict[str, str]) -> list[bytes]:
        """The newest `limit` records of the span that the query wants; what is no record comes always."""
        start, end = (datetime.fromisoformat(asked[name]) for name in ("start", "end"))
        names = _EXACT.findall(asked["query"])
        deleted = set(re.findall(r'"([^"]+)"', _DELETE.findall(asked["query"])[0]))
        found: list[tuple[datetime | None, bytes]] = []
        for line in self.lines:
            try:
                record = json.loads(line)
                moment = datetime.fromisoformat(record["_time"])
            except (ValueError, KeyError, TypeError):
                found.append((None, line))
                continue
            is_wanted = any(record["_msg"].startswith(name) if star else record["_msg"] == name for name, star in names)
            if start <= moment < end and is_wanted:
                kept = record if self.ignores_delete else {name: value for name, value in record.items() if name not in deleted}
                found.append((moment, json.dumps(dict(sorted(kept.items()))).encode()))
        newest = sorted(found, key=lambda pair: (pair[0] is None, pair[0] or start))[-int(asked["limit"]) :]
        # In no order: the newest record does not come last.
        return [line for _, line in reversed(newest)]


@contextmanager
def running_logsql() -> Iterator[LogsqlServer]:
    """A store without records that listens until the block ends."""
    store = LogsqlServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked = {name: values[0] for name, values in parse_qs(body).items()}
            store.asked.append(asked)
            store.headers.append(dict(self.headers))
            if self.path != PATH or (store.token and self.headers["Authorization"] != f"Bearer {store.token}"):
                self._send(401 if self.path == PATH else 404, b"")
                return
            fault = store.faults.pop(0) if store.faults else None
            if store.dies_after is not None and len(store.asked) > store.dies_after:
                fault = "cut"
            if fault == "busy":
                self._send(503, b"too many queries")
                return
            content = b"".join(line + b"\n" for line in store.answer(asked))
            self._send(200, content, fault)

        def _send(self, status: int, content: bytes, fault: str | None = None) -> None:
            half = content[: len(content) - 20] if content else b'{"_ti'
            self.send_response(status)
            self.send_header("Content-Length", str(len(half) if fault == "short" else max(len(content), 1 if fault else 0)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(half if fault == "short" else b"" if fault else content)
            self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: the test asks `asked`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    store.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serving_telemetry(world: Path, share: float = 1.0) -> Iterator[list[LogsqlServer]]:
    """The stores of a synthetic world's towns, one each, declared in its towns.yaml while they run.

    `share`: how much of each recorded response they have so far, from its beginning.
    """
    towns_file = world / "towns.yaml"
    before = towns_file.read_text(encoding="utf-8")
    declared = yaml.safe_load(before)
    with ExitStack() as running:
        stores = []
        for town in declared["towns"]:
            store = running.enter_context(running_logsql())
            lines = (world / town["name"] / "telemetry" / "logsql.ndjson").read_bytes().splitlines()
            store.lines = lines[: int(len(lines) * share)]
            # A world's months lie anywhere; all of it is asked for each time.
            town["telemetry"] = {"url": store.url, "lookback": "4000d", "overlap": "4000d"}
            stores.append(store)
        towns_file.write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")
        try:
            yield stores
        finally:
            towns_file.write_text(before, encoding="utf-8")
