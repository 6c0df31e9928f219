"""Where a snapshot's files come from when it is pulled: a folder, or a web server that has the folder."""

import http.client
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import BinaryIO, Protocol

from lake.tell import Told

CHUNK = 1 << 20
TIMEOUT_SECONDS = 60
# How often a transfer that breaks off is taken up again; it must get further each time.
ATTEMPTS = 5


class FetchError(Told):
    """A file cannot be had; the message names it and says what to do."""


class Source(Protocol):
    """A place that has a snapshot's folder. `kind`: for the log, `place`: for people."""

    kind: str
    place: str

    def read(self, path: str) -> bytes:
        """A small file whole. Errors: `FileNotFoundError`, `FetchError`."""

    def fetch(self, path: str, part: Path, size: int) -> int:
        """Complete the local file `part`, which may have the beginning of the file; returns the bytes that were copied.

        `size`: what the file should have. Errors: `FileNotFoundError`, `FetchError`.
        """


class FolderSource:
    """A folder, as the lake has it or as it was pulled before."""

    def __init__(self, folder: Path, kind: str = "folder") -> None:
        self.folder = folder
        self.kind = kind
        self.place = str(folder)

    def read(self, path: str) -> bytes:
        """See `Source`."""
        return (self.folder / path).read_bytes()

    def fetch(self, path: str, part: Path, size: int) -> int:
        """See `Source`."""
        with (self.folder / path).open("rb") as source, part.open("ab") as target:
            begun = _usable(part, size)
            target.truncate(begun)
            source.seek(begun)
            return _copy(source, target)


class HttpSource:
    """A web server. `url`: of the snapshot's folder. Ranges are used where the server knows them."""

    kind = "http"

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https"):
            raise FetchError(f"{parts.scheme}:// is no address to pull from: name a folder, or a http or https address")
        # What may be secret in an address is not said again.
        self.place = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()

    def _open(self, path: str, first_byte: int = 0) -> http.client.HTTPResponse:
        parts = urllib.parse.urlsplit(self.url)
        url = parts._replace(path=f"{parts.path}/{urllib.parse.quote(path)}").geturl()
        request = urllib.request.Request(url)  # noqa: S310 - the scheme was looked at
        if first_byte:
            request.add_header("Range", f"bytes={first_byte}-")
        try:
            opened: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)  # noqa: S310
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in (404, 410):
                raise FileNotFoundError(f"{self.place}/{path} is not there") from error
            raise FetchError(f"{self.place}/{path}: the server answers {error.code} {error.reason}") from error
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise FetchError(f"{self.place}/{path} cannot be reached: {error}; pull again to go on") from error
        return opened

    def read(self, path: str) -> bytes:
        """See `Source`."""
        with self._open(path) as answer:
            return answer.read()

    def fetch(self, path: str, part: Path, size: int) -> int:
        """See `Source`."""
        copied = 0
        for attempt in range(1, ATTEMPTS + 1):
            begun = _usable(part, size)
            if begun == size and part.exists():
                return copied
            with self._open(path, begun) as answer, part.open("ab") as target:
                # 200 is the whole file: the server knows no ranges.
                target.truncate(begun if answer.status == http.client.PARTIAL_CONTENT else 0)
                try:
                    got = _copy(answer, target)
                except (http.client.IncompleteRead, ConnectionError, TimeoutError) as error:
                    if attempt == ATTEMPTS:
                        raise FetchError(f"{self.place}/{path} breaks off ({error!r}); pull again to go on") from error
                    got = target.tell() - begun
                copied += max(got, 0)
            if part.stat().st_size >= size:
                return copied
        raise FetchError(f"{self.place}/{path} ends after {part.stat().st_size:,} of {size:,} bytes; pull again to go on")


def _usable(part: Path, size: int) -> int:
    """How much of the file is there already; a part that is too long is none of it."""
    there = part.stat().st_size if part.exists() else 0
    return there if there <= size else 0


def _copy(source: BinaryIO | http.client.HTTPResponse, target: BinaryIO) -> int:
    copied = 0
    while block := source.read(CHUNK):
        copied += target.write(block)
    return copied
