"""Loads everything that `towns.yaml` names: stream by stream, each on its own, so that one that fails does not stop the others."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ingest.beads_export import BeadsExports
from ingest.claude_home import ClaudeHome, Workers
from ingest.commit import roll_forward
from ingest.dolt_address import lost_server
from ingest.dolt_known import DoltMemory
from ingest.event_log import EventLog
from ingest.identity import TownIdentity, TownUnreachable, identify_all
from ingest.identity_files import IdentityFiles, town_exports
from ingest.label_journal import journal_files
from ingest.labels import Labels
from ingest.ledger import fold
from ingest.progress import Progress
from ingest.reading import Counts, Reading
from ingest.redaction_key import RedactionKey, load_key
from ingest.source_files import SourceUnreachableError
from ingest.towns import Towns, load_towns
from lake.locks import LockHeldError, lock

SOURCES = ("town_files", "beads", "dolt", "telemetry", "town_events", "claude", "labels")

RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""How long to wait before looking again at a database server that was lost; each look starts from the beginning."""


@dataclass
class StreamReport:
    """How one stream went. `status`: loaded, unchanged, unreachable, locked or failed."""

    source: str
    label: str
    status: str
    counts: Counts = field(default_factory=Counts)
    seconds: float = 0.0
    reason: str = ""
    load_seq: int | None = None


@dataclass
class IngestReport:
    """How a whole run went. `identified`: name → id of the towns whose identity could be read."""

    streams: list[StreamReport] = field(default_factory=list)
    identified: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def towns_unreachable(self) -> list[str]:
        """Labels of towns and homes that could not be read."""
        return [stream.label for stream in self.streams if stream.status == "unreachable"]

    @property
    def towns_reached(self) -> dict[str, str]:
        """Name → id of the towns of which nothing was left out."""
        left_out: set[str] = set()
        for stream in self.streams:
            if stream.status not in ("loaded", "unchanged"):
                left_out.update(stream.label.removeprefix("home of ").split(", "))
        return {name: town_id for name, town_id in self.identified.items() if name not in left_out}

    @property
    def exit_code(self) -> int:
        """0: all is loaded. 3: something was left out (unreachable, locked, a problem told in the summary). 1: a load failed."""
        if any(stream.status == "failed" for stream in self.streams):
            return 1
        left_out = any(stream.status in ("unreachable", "locked") or stream.counts.problems for stream in self.streams)
        return 3 if left_out else 0

    def lines(self) -> list[str]:
        """The summary, line by line."""
        total = Counts()
        found: list[str] = []
        for stream in self.streams:
            total.add(stream.counts)
            if stream.status == "loaded":
                found.append(
                    f"{stream.source} of {stream.label}: {stream.counts.rows:,} rows from {stream.counts.files_loaded:,} files "
                    f"({stream.counts.bytes_read / 1e6:,.1f} MB in {stream.seconds:.1f} s)"
                )
            elif stream.status != "unchanged":
                found.append(f"{stream.source} of {stream.label}: {stream.status}: {stream.reason}")
        unchanged = sum(stream.status == "unchanged" for stream in self.streams)
        found += [f"note: {note}" for note in total.notes]
        found += [f"problem: {problem}" for problem in total.problems]
        found.append(
            f"{total.rows:,} rows, {total.redactions:,} replacements, {total.quarantined:,} lines in quarantine, "
            f"{total.files_foreign:,} files of other projects left alone, {total.files_undecided:,} without a working directory, "
            f"{total.files_rewritten:,} rewritten; {unchanged} streams unchanged; {self.seconds:.1f} s"
        )
        return found


def run_ingest(
    towns_file: Path,
    lake: Path,
    *,
    only: list[str] | None = None,
    progress: bool | None = None,
    memories: dict[str, DoltMemory] | None = None,
) -> IngestReport:
    """Load what is new in every town of `towns_file` into `lake`.

    `only`: sources to load (see `SOURCES`); all by default. `progress`: bars (True), plain lines (False), by default bars on a
    terminal. `memories`: of a process that polls database servers, by town id; it is filled here. Raises the errors of a bad
    towns.yaml and of a missing or wrong redaction key; everything else is in the report.
    """
    begun = time.perf_counter()
    chosen = SOURCES if only is None else only
    unknown = sorted(set(chosen) - set(SOURCES))
    if unknown:
        raise ValueError(f"unknown source {', '.join(unknown)}; sources are {', '.join(SOURCES)}")
    towns = load_towns(towns_file)
    lake.mkdir(parents=True, exist_ok=True)
    key = load_key(lake, create=True)
    roll_forward(lake)
    identities, unreachable = identify_all(towns.towns)
    report = IngestReport([_unreachable(town) for town in unreachable])
    report.identified = {identity.town.name: identity.town_id for identity in identities}
    bars = Progress(sys.stderr.isatty() if progress is None else progress)
    with bars, Workers() as workers:
        for stream in _streams(towns, identities, lake, towns_file, key, memories, workers):
            if stream.source in chosen:
                report.streams.append(_run_stream(lake, stream, key, bars))
    fold(lake)
    report.seconds = time.perf_counter() - begun
    return report


def _unreachable(error: TownUnreachable) -> StreamReport:
    return StreamReport("town", error.town, "unreachable", reason=str(error))


@dataclass(frozen=True)
class _Stream:
    """One stream: its source, what people call it, what its lock is named after, and how to plan it (which looks at its files)."""

    source: str
    label: str
    identity: str
    plan: Callable[[], Reading]


def _streams(
    towns: Towns,
    identities: list[TownIdentity],
    lake: Path,
    towns_file: Path,
    key: RedactionKey,
    memories: dict[str, DoltMemory] | None,
    workers: Workers,
) -> Iterator[_Stream]:
    """Every stream of the configured towns: towns first, then homes."""
    for identity in identities:
        name, town_id = identity.town.name, identity.town_id
        yield _Stream("town_files", name, town_id, partial(IdentityFiles, lake, identity, towns_file, key))
        yield _Stream("beads", name, town_id, partial(_plan_beads, lake, identity, towns_file, key))
        if identity.town.dolt is not None:
            memory = memories.setdefault(town_id, DoltMemory()) if memories is not None else None
            yield _Stream("dolt", name, town_id, partial(_plan_dolt, lake, identity, towns_file, key, memory))
        if identity.town.telemetry is not None:
            yield _Stream("telemetry", name, town_id, partial(_plan_telemetry, lake, identity, key))
        yield _Stream("town_events", name, town_id, partial(EventLog, lake, identity, key))
    ids = {identity.town.name: identity.town_id for identity in identities}
    for home in towns.homes():
        if home.harness == "claude":
            claimants = [(town, ids.get(town.name)) for town in towns.towns if town.name in home.towns]
            plan = partial(ClaudeHome, lake, home, claimants, key, workers)
            yield _Stream("claude", f"home of {', '.join(home.towns)}", home.path, plan)
    if journal_files(lake):
        yield _labels(lake, key)


def _labels(lake: Path, key: RedactionKey) -> _Stream:
    return _Stream("labels", Labels.label, "labels", partial(Labels, lake, key))


def load_labels(lake: Path, key: RedactionKey) -> StreamReport:
    """Bring confirmed verdicts into the lake, exactly once. They wait where they are when another process is just doing it."""
    roll_forward(lake)
    report = _run_stream(lake, _labels(lake, key), key, Progress(False))
    # A second look removes the files of sittings that have ended and are in the lake whole.
    _run_stream(lake, _labels(lake, key), key, Progress(False))
    return report


def _plan_beads(lake: Path, identity: TownIdentity, towns_file: Path, key: RedactionKey) -> BeadsExports:
    exports, problems = town_exports(IdentityFiles(lake, identity, towns_file, key))
    reading = BeadsExports(lake, identity, exports, key)
    reading.counts.problems += problems
    return reading


def _plan_dolt(lake: Path, identity: TownIdentity, towns_file: Path, key: RedactionKey, memory: DoltMemory | None) -> Reading:
    # Not before a server is to be asked: the driver is not needed for anything else.
    from ingest.dolt_rows import DoltRows

    server = identity.town.dolt
    if server is None:
        raise ValueError(f"town {identity.town.name} declares no database server")
    projects = IdentityFiles(lake, identity, towns_file, key).projects()
    return DoltRows(lake, identity, server, projects, key, memory)


def _plan_telemetry(lake: Path, identity: TownIdentity, key: RedactionKey) -> Reading:
    # Not before a store is to be asked, as above: HTTP and TLS take their time to be imported.
    from ingest.telemetry_records import TelemetryRecords

    store = identity.town.telemetry
    if store is None:
        raise ValueError(f"town {identity.town.name} declares no telemetry")
    return TelemetryRecords(lake, identity, store, key)


def _run_stream(lake: Path, stream: _Stream, key: RedactionKey, bars: Progress) -> StreamReport:
    begun = time.perf_counter()
    report = StreamReport(stream.source, stream.label, "unchanged")
    try:
        with lock(lake, f"load-{stream.source}-{key.digest('lock', stream.identity.encode()).hex()[:12]}"):
            for wait in RETRY_SECONDS:
                try:
                    _load_stream(lake, stream, key, bars, report)
                    break
                except Exception as error:
                    # Nothing of a broken load is committed, so it can simply begin again.
                    if lost_server(error) is None:
                        raise
                    time.sleep(wait)
            else:
                _load_stream(lake, stream, key, bars, report)
    except LockHeldError as error:
        report.status, report.reason = "locked", str(error)
    except Exception as error:  # one stream's failure is reported, with its kind and place, and does not stop the others
        unreachable = error if isinstance(error, SourceUnreachableError) else lost_server(error)
        report.status = "failed" if unreachable is None else "unreachable"
        report.reason = str(unreachable) if unreachable is not None else f"{type(error).__name__}: {error}"
    report.seconds = time.perf_counter() - begun
    return report


def _load_stream(lake: Path, stream: _Stream, key: RedactionKey, bars: Progress, report: StreamReport) -> None:
    reading = stream.plan()
    report.counts = reading.counts
    if not reading.is_empty:
        # Not before there is something to load: importing dlt takes longer than looking at 2,000 files.
        from ingest.load import run_load

        with bars.stream(stream.source, stream.label, reading.bytes_planned) as advance:
            report.load_seq = run_load(lake, reading, key.fingerprint(), advance)
        report.status = "loaded"
