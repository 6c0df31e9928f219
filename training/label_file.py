"""Verdicts from a file: one JSON object per line, `{"episode_key": …, "verdict": …, "reason": …}`; the reason may be left out."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.label_journal import VERDICTS
from ingest.lines import parse_object
from lake.exit_codes import ExitCode
from lake.tell import Told
from training.sample import Judged

FIELDS = ("episode_key", "verdict", "reason")
STANDARD_INPUT = Path("-")
TOLD = 20
"""Faults of a file that are told; the rest is counted."""


@dataclass(frozen=True)
class Given:
    """One line of the file. `episode_key` is one of the release's episodes."""

    episode_key: str
    verdict: str
    reason: str | None


def read_verdicts(path: Path, episodes: Mapping[str, Judged]) -> list[Given]:
    """Every verdict of a file (`-`: of standard input). Nothing is taken from a file that has a fault.

    `episodes`: those of the release that can be judged. Errors: `Told` with the lines that are wrong, and how.
    """
    if path == STANDARD_INPUT:
        content = sys.stdin.buffer.read()
    elif path.is_file():
        content = path.read_bytes()
    else:
        raise Told(f"{path} does not exist", ExitCode.USAGE)
    given: list[Given] = []
    faults: list[str] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        found = _given(line, episodes)
        if isinstance(found, Given):
            given.append(found)
        else:
            faults.append(f"{path}:{number}: {found}")
    if faults:
        more = [f"and {len(faults) - TOLD} more"] if len(faults) > TOLD else []
        raise Told("\n".join([*faults[:TOLD], *more, "nothing was taken"]), ExitCode.USAGE)
    return given


def _given(line: bytes, episodes: Mapping[str, Judged]) -> Given | str:
    """The line's verdict, or what is wrong with it. A fault quotes keys and accepted values, never a text of the line."""
    value = parse_object(line).value
    if value is None:
        return 'is no JSON object; write {"episode_key": "…", "verdict": "good"}'
    if unknown := sorted(set(value) - set(FIELDS)):
        return f"has {len(unknown)} unknown keys; known are {', '.join(FIELDS)}"
    key, verdict, reason = (value.get(name) for name in FIELDS)
    if not isinstance(key, str) or key not in episodes:
        return "episode_key: names no episode that can be judged (it needs a score, and an outcome other than none)"
    if not isinstance(verdict, str) or verdict not in VERDICTS:
        return f"verdict: accepted are {', '.join(VERDICTS)}"
    if not isinstance(reason, str | None):
        return "reason: must be a text"
    return Given(key, verdict, reason)
