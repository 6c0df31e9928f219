"""New data for benches: sessions that go on, and sessions that were not there before."""

import json
import random
import uuid
from datetime import datetime, timedelta
from pathlib import Path

from bench.lakes import transcripts


def main_files(folder: Path) -> list[tuple[str, Path]]:
    """(time of the last record, file) of every main transcript, oldest first."""
    found: list[tuple[str, Path]] = []
    for path in transcripts(folder):
        if "subagents" in path.parts or path.name.startswith("agent-"):
            continue
        stamps = [stamp for record in _tail(path) if isinstance(stamp := record.get("timestamp"), str)]
        if stamps:
            found.append((stamps[-1], path))
    return sorted(found)


def _tail(path: Path) -> list[dict[str, object]]:
    """The last records of a file."""
    with path.open("rb") as handle:
        handle.seek(max(0, path.stat().st_size - 200_000))
        lines = handle.read().split(b"\n")[1:]
    records: list[dict[str, object]] = []
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:  # the head of the first line, or a line that is damaged on purpose
            continue
        if isinstance(value, dict):
            records.append(value)
    return records


def continue_session(path: Path, turns: int = 10) -> int:
    """Append a few more exchanges to a session, as if it had gone on. Returns the bytes added."""
    spoken = [record for record in _tail(path) if record.get("type") in ("user", "assistant") and record.get("uuid")]
    if not spoken:
        return 0
    before = path.stat().st_size
    parent = str(spoken[-1]["uuid"])
    dice = random.Random(parent)
    moment = datetime.fromisoformat(str(spoken[-1]["timestamp"]))
    lines: list[str] = []
    for number in range(turns):
        record = dict(spoken[-1 - number % min(4, len(spoken))])
        moment += timedelta(seconds=20)
        own = str(uuid.UUID(int=dice.getrandbits(128), version=4))
        record |= {"uuid": own, "parentUuid": parent, "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
        if "requestId" in record:
            record["requestId"] = f"req_{dice.getrandbits(80):020x}"
        parent = own
        lines.append(json.dumps(record) + "\n")
    with path.open("a") as handle:
        if before and not _ends_line(path):
            handle.write("\n")
        handle.writelines(lines)
    return path.stat().st_size - before


def _ends_line(path: Path) -> bool:
    with path.open("rb") as handle:
        handle.seek(-1, 2)
        return handle.read(1) == b"\n"
