"""Polling: load again and again, at fixed moments, until told to stop."""

import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from ingest.dolt_known import DoltMemory
from ingest.run import IngestReport, run_ingest
from ingest.towns import load_towns
from lake.exit_codes import ExitCode
from lake.runs import note_looks
from lake.tell import Told, say

_INTERVAL = re.compile(r"([0-9]+(?:\.[0-9]+)?)(s|m|h)?")
_UNIT_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
SHORTEST_SECONDS = 1.0


def interval_seconds(text: str) -> float:
    """`60s`, `5m`, `1h`, or a bare number of seconds. Errors: `Told` for anything else."""
    found = _INTERVAL.fullmatch(text.strip())
    seconds = float(found[1]) * _UNIT_SECONDS[found[2] or "s"] if found else 0.0
    if seconds < SHORTEST_SECONDS:
        raise Told(f"--every {text}: write a time of at least a second, such as 60s, 5m or 1h", ExitCode.USAGE)
    return seconds


def watch(towns_file: Path, lake: Path, every: float, *, only: list[str] | None, polls: int | None = None) -> ExitCode:
    """Load every `every` seconds until SIGINT or SIGTERM, which let a running poll finish; `polls` ends it after that many.

    A poll that changed something or failed gives one line, an idle one none. A poll that takes longer than the interval leaves out
    the moments that it missed; the others do not shift. Returns OK when stopped by a signal, whatever single polls met on their
    way. Errors: those of `run_ingest`, and `Told` when there is nothing to poll.
    """
    towns = load_towns(towns_file).towns
    if only == ["dolt"] and not any(town.dolt for town in towns):
        raise Told(f"{towns_file} declares no database server; docs/towns.md says how to (`dolt:`)", ExitCode.USAGE)
    if only == ["telemetry"] and not any(town.telemetry for town in towns):
        raise Told(f"{towns_file} declares no telemetry; docs/towns.md says how to (`telemetry:`)", ExitCode.USAGE)
    if not towns:
        raise Told(f"{towns_file} declares no town yet; the file says how to name one", ExitCode.USAGE)
    memories: dict[str, DoltMemory] = {}
    told: set[str] = set()
    with _stopped_by_signals() as stop:
        begun, count = time.monotonic(), 0
        while True:
            report = run_ingest(towns_file, lake, only=only, progress=False, memories=memories)
            if not only:  # as with `forge ingest`: who polls one source has not looked at the town
                note_looks(lake, report.towns_reached)
            told = _tell(report, told)
            count += 1
            if polls is not None and count >= polls:
                return ExitCode(report.exit_code)
            if stop.wait(_until_next(begun, every, time.monotonic())):
                say(f"stopped after {count} poll{'s' if count > 1 else ''}")
                return ExitCode.OK


def _until_next(begun: float, every: float, now: float) -> float:
    """Seconds until the next moment of the grid that starts at `begun`."""
    return every - (now - begun) % every


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set. The second signal ends the process as it would have without us."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(report: IngestReport, told: set[str]) -> set[str]:
    """Say what a poll did, in one line; notes and troubles when they are new. Returns those that hold now."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    standing: set[str] = set()
    parts: list[str] = []
    for stream in report.streams:
        if stream.status == "loaded":
            parts.append(f"{stream.source} of {stream.label}: {stream.counts.rows:,} rows as load {stream.load_seq}")
        elif stream.status != "unchanged":
            standing.add(f"{stream.source} of {stream.label}: {stream.status}: {stream.reason}")
        standing.update(f"note: {note}" for note in stream.counts.notes)
        standing.update(f"problem: {problem}" for problem in stream.counts.problems)
    for line in sorted(standing - told):
        say(f"{now} {line}")
    if parts:
        say(f"{now} {'; '.join(parts)} ({report.seconds:.1f} s)")
    return standing
