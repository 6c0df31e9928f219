"""The training environment: another Python, with torch and Axolotl, that is only ever called as a program.

`make train-env` installs it into .venv-train. `FORGE_TRAIN_PYTHON` names another one.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lake.exit_codes import ExitCode
from lake.tell import Told

VARIABLE = "FORGE_TRAIN_PYTHON"
TREE = Path(__file__).resolve().parent.parent
DEFAULT = TREE / ".venv-train" / "bin" / "python"
PROGRAMS = TREE / "training" / "programs"
TAIL = 15
"""Lines of a failed program's output that are told."""


def train_python() -> Path:
    """The Python of the training environment. Errors: `Told` when there is none, with what to do."""
    named = os.environ.get(VARIABLE)
    python = Path(named).expanduser().absolute() if named else DEFAULT
    if not python.is_file():
        what = f"{VARIABLE}={named} does not exist" if named else "there is no training environment"
        raise Told(f"{what}: run `make train-env` (4.3 GB, minutes), or set {VARIABLE} to a Python that has it", ExitCode.USAGE)
    return python


def environment(cache: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment variables of a program there: offline, silent to the outside, and every byte it caches below `cache`."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")}
    return (
        inherited
        | {
            "HF_HUB_OFFLINE": "1",
            "HF_DATASETS_OFFLINE": "1",
            "HF_HOME": str(cache),
            "AXOLOTL_DO_NOT_TRACK": "1",
            "DO_NOT_TRACK": "1",
            "WANDB_DISABLED": "true",
            "TOKENIZERS_PARALLELISM": "false",
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(PROGRAMS),
        }
        | dict(more or {})
    )


def axolotl(verb: str, *arguments: str) -> list[str]:
    """The command `axolotl <verb> …` of the training environment."""
    return [str(train_python()), "-m", "axolotl.cli.main", verb, *arguments]


def run_program(name: str, arguments: Sequence[str], cache: Path) -> str:
    """Run `training/programs/<name>` and return its standard output.

    Errors: `Told` with the end of what it wrote, when it fails.
    """
    command = [str(train_python()), str(PROGRAMS / name), *arguments]
    done = subprocess.run(command, env=environment(cache), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        end = "\n".join((done.stdout + done.stderr).rstrip().splitlines()[-TAIL:])
        raise Told(f"training/programs/{name} failed with exit code {done.returncode}:\n{end}")
    return done.stdout
