"""Loading with redaction, beside loading with nothing in between; and what looking at unchanged files costs."""

import json
import shutil
from pathlib import Path

from bench.lakes import OUT, forge, fresh_lake, sources, transcript_mb
from bench.measure import Measured, python, run, table

NOTHING_NEW_FILES = 2_000
GROWN_FILES = 20


def throughput(megabytes: int) -> str:
    """MB/s of `forge ingest` (transcripts only) and of the bare loader on the same files, with peak memory of all processes."""
    folder = sources(megabytes)
    forge(fresh_lake("warm"), "ingest", "--towns", str(sources(5) / "towns.yaml"), "--no-progress")  # compiled rules, once
    size = transcript_mb(folder)
    bare = _bare(folder)
    ours = _ours(folder)
    again = _bare(folder)
    middle = (bare.seconds + again.seconds) / 2
    return table(
        f"Loading {size:.0f} MB of transcripts",
        [
            (
                "bare loader, before and after",
                f"{size / bare.seconds:.0f} and {size / again.seconds:.0f} MB/s, {bare.peak_mb:.0f} MB",
            ),
            ("forge ingest, redacted", f"{size / ours.seconds:.0f} MB/s, peak {ours.peak_mb:.0f} MB in all processes"),
            ("ratio", f"{middle / ours.seconds:.2f}"),
        ],
    )


def memory(megabytes: int) -> str:
    """Peak memory of `forge ingest` at a half, one and two times the size."""
    rows: list[tuple[str, str]] = []
    for size in (megabytes // 2, megabytes, megabytes * 2):
        measured = _ours(sources(size))
        rows.append((f"{size} MB", f"peak {measured.peak_mb:.0f} MB, {measured.seconds:.1f} s"))
    return table("Memory of forge ingest (resident, all processes together)", rows)


def _bare(folder: Path) -> Measured:
    target = OUT / "bare"
    shutil.rmtree(target, ignore_errors=True)
    return run(python("-m", "bench.bare_ingest", str(folder), str(target)))


def _ours(folder: Path) -> Measured:
    return forge(fresh_lake("ingest"), "ingest", "--towns", str(folder / "towns.yaml"), "--only", "claude", "--no-progress")


def _line(file: int, number: int) -> str:
    record = {
        "type": "user",
        "uuid": f"{file:08d}-0000-4000-8000-{number:012d}",
        "sessionId": f"{file:08d}-3b4a-4c5d-8e6f-7a8b9c0d1e2f",
        "cwd": "/srv/gt/mayor",
        "timestamp": "2026-04-27T09:00:00.000Z",
        "message": {"role": "user", "content": f"note {number} of {file}"},
    }
    return json.dumps(record) + "\n"


def nothing_new(files: int = NOTHING_NEW_FILES) -> str:
    """Whole-process seconds of `forge ingest` over unchanged files, and with a few of them grown."""
    folder = OUT / "many-files"
    shutil.rmtree(folder, ignore_errors=True)
    projects = folder / "home" / "projects" / "-srv-gt-mayor"
    projects.mkdir(parents=True)
    (folder / "gt").mkdir()
    paths = [projects / f"{number:08d}-3b4a-4c5d-8e6f-7a8b9c0d1e2f.jsonl" for number in range(files)]
    for number, path in enumerate(paths):
        path.write_text("".join(_line(number, line) for line in range(20)))
    towns = folder / "towns.yaml"
    towns.write_text(
        "towns:\n  - name: many\n    id: many\n    root: gt\n    recorded_root: /srv/gt\n    homes: {claude: [home]}\n"
    )
    lake = fresh_lake("many")
    command = ("ingest", "--towns", str(towns), "--no-progress")
    first = forge(lake, *command)
    idle = min((forge(lake, *command) for _ in range(3)), key=lambda measured: measured.seconds)
    for number, path in list(enumerate(paths))[:: max(1, files // GROWN_FILES)][:GROWN_FILES]:
        with path.open("a") as handle:
            handle.write(_line(number, 99))
    grown = forge(lake, *command)
    return table(
        f"Looking at {files} files again (whole process)",
        [
            ("first load", f"{first.seconds:.2f} s"),
            ("nothing new, best of 3", f"{idle.seconds:.2f} s"),
            (f"{GROWN_FILES} files grown", f"{grown.seconds:.2f} s"),
        ],
    )
