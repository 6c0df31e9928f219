"""Files of towns and homes, on this machine or behind an fsspec URL: what there is, whether it changed, and how."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

import fsspec

from ingest.redaction_key import RedactionKey

# A file of up to this many bytes is fingerprinted whole; of a larger one, its head, its tail and evenly spread probes are.
WHOLE_BYTES = 1 << 20
EDGE_BYTES = 64 << 10
PROBES = 64
PROBE_BYTES = 4 << 10


class SourceUnreachableError(OSError):
    """A folder that should be read cannot be."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was when it was listed. `path`: how to open it; `name`: its path inside the folder that was listed."""

    path: str
    name: str
    size_bytes: int
    modified_ns: int


def is_url(location: str) -> bool:
    """Whether a location is an fsspec URL rather than a local path."""
    return "://" in location


def join(location: str, *parts: str) -> str:
    """A path below a local folder or a URL."""
    return "/".join([location.rstrip("/"), *parts]) if is_url(location) else str(Path(location, *parts))


def open_source(path: str) -> BinaryIO:
    """Open a local path or an fsspec URL for reading bytes."""
    if is_url(path):
        return cast(BinaryIO, fsspec.open(path, "rb").open())
    return Path(path).open("rb", buffering=1 << 20)


def file_exists(path: str) -> bool:
    """Whether there is a file at a local path or URL."""
    if is_url(path):
        system, inner = fsspec.core.url_to_fs(path)
        return bool(system.isfile(inner))
    return Path(path).is_file()


def folder_exists(path: str) -> bool:
    """Whether there is a folder at a local path or URL."""
    if is_url(path):
        system, inner = fsspec.core.url_to_fs(path)
        return bool(system.isdir(inner))
    return Path(path).is_dir()


def describe(path: str, name: str) -> SourceFile:
    """Size and modification time of one file. Raises FileNotFoundError."""
    if is_url(path):
        system, inner = fsspec.core.url_to_fs(path)
        system.invalidate_cache()
        return _from_info(path, name, system.info(inner))
    status = Path(path).stat()
    return SourceFile(path, name, status.st_size, status.st_mtime_ns)


def _from_info(path: str, name: str, info: dict[str, object]) -> SourceFile:
    modified = info.get("mtime") or info.get("created") or info.get("LastModified") or info.get("last_modified") or 0
    if isinstance(modified, datetime):
        modified = modified.timestamp()
    seconds = float(cast(float, modified))
    return SourceFile(path, name, int(cast(int, info["size"])), int(seconds * 1e9))


def list_files(folder: str, suffix: str) -> Iterator[SourceFile]:
    """Every file below `folder` whose name ends with `suffix`, by name, each real file once.

    Symbolic links inside the folder are another name for a file that is listed anyway, so they are left out; links to
    elsewhere are followed for files only. Raises SourceUnreachableError when the folder cannot be read.
    """
    if is_url(folder):
        yield from _list_url(folder, suffix)
        return
    root = Path(folder)
    if not root.is_dir():
        raise SourceUnreachableError(f"{folder} is not a folder that can be read")
    real_root = os.path.realpath(root)
    stack = [str(root)]
    found: list[tuple[str, str, os.stat_result]] = []
    while stack:
        try:
            entries = list(os.scandir(stack.pop()))
        except OSError as error:
            raise SourceUnreachableError(f"{error.filename}: {error.strerror}") from error
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                stack.append(entry.path)
            elif entry.name.endswith(suffix):
                if entry.is_symlink() and os.path.realpath(entry.path).startswith(real_root + os.sep):
                    continue
                try:
                    status = entry.stat()
                except FileNotFoundError:  # it went away between listing and looking, or the link leads nowhere
                    continue
                if stat.S_ISREG(status.st_mode):
                    found.append((os.path.relpath(entry.path, root).replace(os.sep, "/"), entry.path, status))
    for name, path, status in sorted(found, key=lambda item: item[0]):
        yield SourceFile(path, name, status.st_size, status.st_mtime_ns)


def _list_url(folder: str, suffix: str) -> Iterator[SourceFile]:
    system, inner = fsspec.core.url_to_fs(folder)
    system.invalidate_cache()
    try:
        found = system.find(inner, detail=True)
    except (OSError, ValueError) as error:
        raise SourceUnreachableError(f"{folder}: {error}") from error
    if not found and not system.exists(inner):
        raise SourceUnreachableError(f"{folder} is not a folder that can be read")
    prefix = inner.rstrip("/") + "/"
    for path in sorted(found):
        if path.endswith(suffix):
            name = path[len(prefix) :] if path.startswith(prefix) else path
            yield _from_info(system.unstrip_protocol(path), name, found[path])


def fingerprint(handle: BinaryIO, length: int, key: RedactionKey) -> str:
    """Keyed hash of the first `length` bytes, in hex: equal as long as the file only grows.

    Up to `WHOLE_BYTES` every byte counts. Beyond that the head, the tail and `PROBES` evenly spaced probes do, so that watching
    a large file costs the same however long it gets.
    """
    if length <= WHOLE_BYTES:
        ranges = [(0, length)]
    else:
        step = (length - 2 * EDGE_BYTES) // PROBES
        ranges = [(0, EDGE_BYTES)]
        ranges += [(EDGE_BYTES + index * step, min(PROBE_BYTES, step)) for index in range(PROBES)]
        ranges.append((length - EDGE_BYTES, EDGE_BYTES))
    pieces = [length.to_bytes(8, "big")]
    for start, size in ranges:
        handle.seek(start)
        pieces.append(handle.read(size))
    return key.digest("file-fingerprint", b"".join(pieces)).hex()[:32]
