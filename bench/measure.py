"""Runs a command and measures it from outside: seconds, peak memory of all its processes, bytes it read."""

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.2
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Measured:
    """`seconds`: wall clock. `peak_mb`: the largest sum, over time, of the resident memory of the whole process tree.

    `cpu_seconds`: processor time of the command and of those of its children that it waited for, which other work on the machine
    hardly changes.
    """

    seconds: float
    peak_mb: float
    output: str
    cpu_seconds: float


def _children(pid: int) -> list[int]:
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += _children(int(child))
    except OSError:  # the process ended while it was looked at
        return found
    return found


def _resident_bytes(pid: int) -> int:
    """Pages in memory; what processes share counts in each of them, so a sum over a tree errs on the large side."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except OSError:  # as above
        return 0


def run(command: list[str], environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> Measured:
    """Run a command to its end. Raises RuntimeError with its output when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, **(environment or {})},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(SAMPLE_SECONDS):
            peak = max(peak, sum(_resident_bytes(pid) for pid in _children(process.pid)))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - begun
    done.set()
    watcher.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(seconds, peak / 1e6, output, cpu_seconds)


def python(*arguments: str) -> list[str]:
    """A command that runs this Python."""
    return [sys.executable, *arguments]


def folder_mb(folder: Path, pattern: str = "*") -> float:
    """Size of the files below a folder, in megabytes."""
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file()) / 1e6


def table(title: str, rows: list[tuple[str, str]]) -> str:
    """Two columns of text under a title, as the benches print them."""
    width = max(len(name) for name, _ in rows)
    return "\n".join([title, *(f"  {name:<{width}}  {value}" for name, value in rows)])
