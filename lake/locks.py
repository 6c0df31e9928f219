"""Advisory file locks: one per loaded stream, one for committing a load, one for building.

The kernel drops a lock when its holder dies, so a lock never outlives a `kill -9`. What is written into the lock file only says
who holds it. The locks guard one machine; that two machines do not load the same stream is the operator's schedule.
"""

import contextlib
import fcntl
import json
import os
import shlex
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from lake.location import ops_path


class LockHeldError(RuntimeError):
    """Somebody else holds the lock; the message says who, since when, and what it is for."""


def _holder(text: str) -> str:
    try:
        holder = json.loads(text)
        return f"process {holder['pid']} on {holder['host']} since {holder['since']} ({holder['command']})"
    except (ValueError, KeyError, TypeError):
        return "another process that has not said its name yet"


@contextlib.contextmanager
def lock(root: Path, name: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the lake's lock `name` (`<lake>/ops/locks/<name>.lock`) for the duration of the block.

    `wait`: stand in line instead of raising `LockHeldError`.
    """
    folder = ops_path(root, "locks")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.lock"
    with path.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            handle.seek(0)
            raise LockHeldError(f"{name} is locked by {_holder(handle.read())}; try again when it is done") from error
        handle.truncate(0)
        program = Path(sys.argv[0]).name if sys.argv else "python"
        handle.write(
            json.dumps(
                {
                    "pid": os.getpid(),
                    "host": socket.gethostname(),
                    "since": datetime.now(UTC).isoformat(timespec="seconds"),
                    # Only the program and its verb: arguments may hold what must not be written.
                    "command": shlex.join([program, *sys.argv[1:2]]),
                }
            )
        )
        handle.flush()
        try:
            yield
        finally:
            handle.truncate(0)
            fcntl.flock(handle, fcntl.LOCK_UN)


def held_locks(root: Path) -> dict[str, str]:
    """The locks that somebody holds now: name → who, since when, with what."""
    held = {}
    for path in sorted(ops_path(root, "locks").glob("*.lock")):
        with path.open(encoding="utf-8") as handle:
            # Released locks are empty: only one that names a holder, alive or killed, has to be tried, for an instant.
            if holder := handle.read():
                try:
                    fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    held[path.stem] = _holder(holder)
    return held
