"""How the commands speak: sentences to people, never a traceback for what can be told."""

import sys

from lake.exit_codes import ExitCode


class Told(Exception):  # noqa: N818 - not an error of the program: a sentence for its user
    """Ends a command with a sentence and an exit code."""

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.FAILED) -> None:
        self.exit_code = exit_code
        super().__init__(message)


def say(line: str = "") -> None:
    """One line to standard output."""
    print(line, flush=True)


def complain(line: str) -> None:
    """One line to standard error."""
    print(line, file=sys.stderr)


def width(default: int = 120) -> int:
    """Columns of the terminal; `default` where standard output is none."""
    import shutil

    return shutil.get_terminal_size((default, 50)).columns if sys.stdout.isatty() else default


def ago(seconds: float) -> str:
    """A length of time for people: `40 s`, `12 min`, `5 h`, `3 d`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(max(seconds, 0))} s"
