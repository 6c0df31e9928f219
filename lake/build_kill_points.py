"""Named places where a crash test may end a build for real.

A crash test sets `FORGE_KILL_AT` to `<point>:<model>` (or to the point alone where there is no model); the process then kills
itself with SIGKILL on reaching it, as a power cut or an out-of-memory kill would.
"""

import os
import signal
from typing import Literal, get_args

ENVIRONMENT = "FORGE_KILL_AT"

BuildPoint = Literal["files_written", "model_committed", "release_described", "release_written"]
BUILD_POINTS: tuple[str, ...] = get_args(BuildPoint)


def reached(point: BuildPoint, model: str = "") -> None:
    """Die here, at once and without cleaning up, if a test asked for it."""
    if os.environ.get(ENVIRONMENT) == (f"{point}:{model}" if model else point):
        os.kill(os.getpid(), signal.SIGKILL)
