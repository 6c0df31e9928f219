"""A web server of a folder, on loopback: with or without ranges, and with answers that break off."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class FolderServer:
    """`has_ranges`: whether a part of a file can be asked for. `break_after`: bytes after which the next answers stop, each once.
    `asked`: path and range of each request."""

    folder: Path
    url: str = ""
    has_ranges: bool = True
    break_after: list[int] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    server_of: FolderServer

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the test's terminal."""

    def do_GET(self) -> None:
        here = self.server_of
        name = unquote(urlsplit(self.path).path).lstrip("/")
        here.asked.append((name, self.headers.get("Range")))
        path = here.folder / name
        if not path.is_file():
            self.send_error(404)
            return
        content, status = path.read_bytes(), 200
        if here.has_ranges and (asked := self.headers.get("Range")):
            content, status = content[int(asked.removeprefix("bytes=").rstrip("-")) :], 206
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if path.suffix == ".parquet" and here.break_after:
            content = content[: here.break_after.pop(0)]
        self.wfile.write(content)


@contextmanager
def folder_server(folder: Path) -> Iterator[FolderServer]:
    """A running server for the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    _Handler.server_of = running = FolderServer(folder, f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()
