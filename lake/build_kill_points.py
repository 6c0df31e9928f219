"""Named places where a crash test may end a build, or the making of a snapshot, for real.

A crash test sets `FORGE_KILL_AT` to `<point>:<model>` (or to the point alone where there is no model); the process then kills
itself with SIGKILL on reaching it, as a power cut or an out-of-memory kill would.
"""

import os
import signal
from typing import Literal, get_args

ENVIRONMENT = "FORGE_KILL_AT"

BuildPoint = Literal["files_written", "model_committed", "release_described", "release_written"]
BUILD_POINTS: tuple[str, ...] = get_args(BuildPoint)
SnapshotPoint = Literal["part_written", "leaves_written", "manifest_written", "members_written", "snapshot_in_place"]
SNAPSHOT_POINTS: tuple[str, ...] = get_args(SnapshotPoint)


def reached(point: BuildPoint | SnapshotPoint, model: str = "") -> None:
    """Die here, at once and without cleaning up, if a test asked for it."""
    if os.environ.get(ENVIRONMENT) == (f"{point}:{model}" if model else point):
        os.kill(os.getpid(), signal.SIGKILL)
