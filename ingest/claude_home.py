"""One Claude Code home: which of its files changed, and reading them on all cores."""

import gc
import json
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from ingest.attribution import Attribution
from ingest.claude_files import SOURCE, ClaudeReader, FileTask, TaskResult
from ingest.kill_points import reached
from ingest.ledger import FileState, file_id, read_states
from ingest.part_writer import PartFile
from ingest.reading import Counts
from ingest.redact import Redactor
from ingest.redaction_key import RedactionKey
from ingest.source_files import SourceFile, folder_exists, join, list_files
from ingest.towns import Home, Town
from lake.tables import CLAUDE_RECORDS

TASK_BYTES = 32_000_000
"""Files are handed to workers in portions of about this size; each portion becomes one data file per table."""

POOL_BYTES = 24_000_000
"""Below this, starting worker processes costs more than it saves."""


@dataclass(frozen=True)
class ReaderSetup:
    """Everything a worker process needs to make its reader."""

    stream: str
    towns: tuple[tuple[Town, str | None], ...]
    roots_mark: str
    key: RedactionKey

    def reader(self) -> ClaudeReader:
        """A reader with its own scanner."""
        return ClaudeReader(self.stream, Attribution(self.towns), self.roots_mark, self.key, Redactor(self.key))


_readers: dict[str, ClaudeReader] = {}
"""In a worker process: one reader per home, made when its first portion arrives."""


def _start_worker() -> None:
    # A batch is millions of small objects and no cycles: looking for cycles all the time takes a fifth of a worker's time.
    gc.disable()


def _run_task(setup: ReaderSetup, tasks: list[FileTask], folder: Path, part: str) -> TaskResult:
    reader = _readers.get(setup.stream)
    if reader is None:
        reader = _readers[setup.stream] = setup.reader()
    result = reader.read(tasks, folder, part)
    gc.collect()
    return result


class Workers:
    """Worker processes for reading, started when the first home needs them and kept for the others."""

    def __init__(self) -> None:
        self.count = os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, setup: ReaderSetup, tasks: list[FileTask], folder: Path, part: str) -> Future[TaskResult]:
        """Read a portion of a home's files in some worker."""
        if self._pool is None:
            Redactor(setup.key).prepare()  # so that every worker finds the compiled rules
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.count, mp_context=context, initializer=_start_worker)
        return self._pool.submit(_run_task, setup, tasks, folder, part)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _is_unchanged(file: SourceFile, state: FileState | None, roots_mark: str) -> bool:
    """Whether the ledger already says all there is to say about a file."""
    if state is None:
        return False
    if state.decision == "foreign":
        # Never read past the first cwd; looked at again only if it is another file now or the towns' roots changed.
        return file.size_bytes >= state.size_bytes and state.carried().get("roots") == roots_mark
    if state.decision == "undecided" and state.carried().get("roots") != roots_mark:
        return False
    return (file.size_bytes, file.modified_ns) == (state.size_bytes, state.modified_ns)


class ClaudeHome:
    """The plan for one home (see `ingest.reading.Reading`)."""

    source = SOURCE
    table = CLAUDE_RECORDS.name

    def __init__(
        self, lake: Path, home: Home, towns: Iterable[tuple[Town, str | None]], key: RedactionKey, workers: Workers
    ) -> None:
        """Looks at the home's files and the ledger. Raises SourceUnreachableError when the home cannot be read."""
        self._workers = workers
        mark = key.digest("home", home.path.encode()).hex()[:12]
        self.stream = f"{SOURCE}-{mark}"
        self.label = f"home of {', '.join(home.towns)}"
        self.counts = Counts()
        # Workers need the towns' roots alone; a read-only mapping of homes could not be sent to them.
        towns = tuple((replace(town, homes={}), town_id) for town, town_id in towns)
        roots = sorted([root, town_id or ""] for town, town_id in towns for root in town.recorded_roots)
        roots_mark = key.digest("roots", json.dumps(roots).encode()).hex()[:16]
        self._setup = ReaderSetup(self.stream, towns, roots_mark, key)
        states = read_states(lake, self.stream)
        self._tasks: list[FileTask] = []
        for file in _transcripts(home.path):
            self.counts.files_seen += 1
            identity = file_id(key, self.stream, file.name)
            state = states.get(identity)
            if not _is_unchanged(file, state, roots_mark):
                self._tasks.append(FileTask(file, identity, state))

    @property
    def is_empty(self) -> bool:
        """Whether no file changed."""
        return not self._tasks

    @property
    def bytes_planned(self) -> int:
        """Bytes of the changed files that are not in the lake yet, if all of them only grew."""
        return sum(_new_bytes(task) for task in self._tasks)

    def parts(self, folder: Path) -> Iterator[list[PartFile]]:
        """Read the changed files, in order of their names."""
        groups = list(_groups(self._tasks))
        results = self._inline(groups, folder) if self.bytes_planned < POOL_BYTES else self._pooled(groups, folder)
        for result in results:
            self.counts.add(result.counts)
            reached("while_extracting")
            yield result.parts

    def _inline(self, groups: list[list[FileTask]], folder: Path) -> Iterator[TaskResult]:
        reader = self._setup.reader()
        for number, group in enumerate(groups):
            yield reader.read(group, folder, f"{number:05d}")

    def _pooled(self, groups: list[list[FileTask]], folder: Path) -> Iterator[TaskResult]:
        waiting: list[Future[TaskResult]] = []
        for number, group in enumerate(groups):
            waiting.append(self._workers.submit(self._setup, group, folder, f"{number:05d}"))
            if len(waiting) > 2 * self._workers.count:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def _transcripts(home: str) -> Iterator[SourceFile]:
    """The transcript files of a home. A home in which nobody has worked yet has no `projects` folder, and no transcripts."""
    projects = join(home, "projects")
    if folder_exists(home) and not folder_exists(projects):
        return
    yield from list_files(projects, ".jsonl")


def _new_bytes(task: FileTask) -> int:
    known = task.state.byte_offset if task.state and task.state.byte_offset <= task.file.size_bytes else 0
    return task.file.size_bytes - known


def _groups(tasks: list[FileTask]) -> Iterator[list[FileTask]]:
    group: list[FileTask] = []
    size = 0
    for task in tasks:
        group.append(task)
        size += _new_bytes(task)
        if size >= TASK_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
