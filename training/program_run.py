"""A long program of the training environment: its output in a log, its progress told, its failure in a line."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lake.tell import ago, say
from training.train_env import environment

LOOK_SECONDS = 0.5
LINES_TOLD = 10
"""How many lines of progress a run prints where there is no terminal."""


class ProgramError(RuntimeError):
    """A program failed. The message is the last line of its log that says anything."""


@dataclass
class Progress:
    """What the progress file has told so far. `learned_tokens` counts from the start of this process."""

    step: int = 0
    steps: int = 0
    first_step: int = 0
    began_at: float = 0.0
    loss: float | None = None
    train_loss: float | None = None
    eval_loss: float | None = None
    learned_tokens: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)

    def take(self, line: Mapping[str, Any]) -> None:
        """Take over one line of the file."""
        self.step, self.steps = int(line["step"]), int(line["steps"])
        if line["event"] == "begin":
            self.first_step, self.began_at = self.step, float(line["at"])
        self.loss = line.get("loss", self.loss)
        self.train_loss = line.get("train_loss", self.train_loss)
        self.eval_loss = line.get("eval_loss", self.eval_loss)
        self.learned_tokens = int(line.get("tokens/trainable", self.learned_tokens))

    def seconds_left(self, now: float) -> float | None:
        """Seconds to the last step at the pace so far; None before the first step."""
        done = self.step - self.first_step
        return (now - self.began_at) / done * (self.steps - self.step) if done > 0 else None

    def told(self, now: float) -> str:
        """One line for people."""
        left = self.seconds_left(now)
        loss = f", loss {self.loss:.3f}" if self.loss is not None else ""
        evaluated = f", eval loss {self.eval_loss:.3f}" if self.eval_loss is not None else ""
        return f"step {self.step} of {self.steps}{loss}{evaluated}{f', {ago(left)} left' if left is not None else ''}"


def failure_line(log: Path) -> str:
    """The last line of a log that names an error, else its last line."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line or "error:" in line]
    return (errors or lines or ["nothing was said"])[-1][:500]


def run_logged(command: Sequence[str], *, folder: Path, log: Path, cache: Path, progress: Path | None = None) -> Progress:
    """Run a program in `folder`; its output is appended to `log`, and with a progress file its steps are told meanwhile.

    Returns the progress of this process. Errors: `ProgramError` when it fails. Interrupted, it takes the program down with it.
    """
    seen = Progress()
    offset = progress.stat().st_size if progress is not None and progress.exists() else 0
    more = {"FORGE_PROGRESS": str(progress)} if progress is not None else {}
    with log.open("ab") as output:
        begin = output.tell()
        process = subprocess.Popen(command, cwd=folder, env=environment(cache, more), stdout=output, stderr=subprocess.STDOUT)
        try:
            last_told = -1
            while True:
                try:
                    code: int | None = process.wait(timeout=LOOK_SECONDS)
                except subprocess.TimeoutExpired:
                    code = None
                if progress is not None:
                    offset = _read(progress, offset, seen)
                    last_told = _tell(seen, last_told)
                if code is not None:
                    break
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if sys.stdout.isatty() and seen.steps:
        say()
    if code != 0:
        with log.open("rb") as written:
            written.seek(begin)
            tail = log.with_suffix(".failed")
            tail.write_bytes(written.read())
        raise ProgramError(f"{failure_line(tail)} (exit code {code}; the whole log: {log})")
    return seen


def _read(progress: Path, offset: int, seen: Progress) -> int:
    """Take over the complete lines behind `offset`; returns where the next one begins."""
    if not progress.exists():
        return offset
    with progress.open("rb") as file:
        file.seek(offset)
        content = file.read()
    complete = content[: content.rfind(b"\n") + 1]
    for line in complete.splitlines():
        seen.take(json.loads(line))
    return offset + len(complete)


def _tell(seen: Progress, last_told: int) -> int:
    """Tell the progress when it is worth a line; returns the tenth that was told."""
    if not seen.steps:
        return last_told
    tenth = seen.step * LINES_TOLD // seen.steps
    if sys.stdout.isatty():
        sys.stdout.write(f"\r\x1b[K  {seen.told(time.time())}")
        sys.stdout.flush()
    elif tenth > last_told:
        say(f"  {seen.told(time.time())}")
    return max(tenth, last_told)
