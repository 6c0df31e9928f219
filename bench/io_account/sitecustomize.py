"""Put on PYTHONPATH by a bench: every Python process notes at its end how many bytes it has read."""

import atexit
import os
from pathlib import Path


def _note() -> None:
    folder = os.environ.get("FORGE_BENCH_IO")
    if folder:
        account = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
        Path(folder, str(os.getpid())).write_text(account["rchar"])


atexit.register(_note)
