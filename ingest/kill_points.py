"""Named places where a crash test may end the process for real.

A crash test sets `FORGE_KILL_AT` to one of the names; the process then kills itself with SIGKILL on reaching it, as a power cut
or an out-of-memory kill would. Without the variable the hooks cost one look into a dictionary.
"""

import os
import signal
from typing import Literal, get_args

ENVIRONMENT = "FORGE_KILL_AT"

KillPoint = Literal[
    "while_extracting",
    "extracted",
    "file_staged",
    "package_loaded",
    "intent_written",
    "first_table_committed",
    "data_committed",
    "ledger_committed",
    "load_committed",
    "intent_removed",
]
KILL_POINTS: tuple[str, ...] = get_args(KillPoint)


def reached(point: KillPoint) -> None:
    """Die here, at once and without cleaning up, if a test asked for it."""
    if os.environ.get(ENVIRONMENT) == point:
        os.kill(os.getpid(), signal.SIGKILL)
