"""`forge train merge` and `forge train compose`: one model, or one adapter, of what was trained."""

from pathlib import Path

from lake.exit_codes import ExitCode
from lake.tell import Told, say
from training.adapter_table import TAINTED, Adapter
from training.config import runs_path
from training.model import cache_path
from training.registry import Registry, RegistryError
from training.train_env import run_program

CONFIG = "config.yaml"


def _usable(lake: Path, named: str) -> tuple[Adapter, Path, Path]:
    """An adapter, its folder and its run's configuration. Errors: `Told` when it is unknown, tainted, or its files are not here."""
    try:
        adapter = Registry.read(lake).find(named)
    except RegistryError as error:
        raise Told(str(error), ExitCode.USAGE) from error
    if adapter.status == TAINTED:
        raise Told(f"{adapter.adapter_id} is tainted ({adapter.reason}): nothing may be made of it", ExitCode.USAGE)
    folder = lake / (adapter.local_path or "")
    config = runs_path(lake) / (adapter.run_id or "") / CONFIG
    if adapter.local_path is None or not folder.is_dir() or not config.is_file():
        raise Told(f"the files of {adapter.adapter_id}, or of its run, are not in this lake", ExitCode.USAGE)
    return adapter, folder, config


def _new(folder: Path) -> Path:
    out = folder.expanduser().absolute()
    if out.exists() and any(out.iterdir()):
        raise Told(f"{out} is not empty; name another folder", ExitCode.USAGE)
    return out


def merge(lake: Path, named: str, folder: Path) -> Path:
    """Write the model with the adapter in its weights; returns the folder. Errors: `Told`."""
    adapter, files, config = _usable(lake, named)
    out = _new(folder)
    run_program("combine_adapters.py", ["merge", str(config), str(files), str(out)], cache_path(lake))
    say(f"{out}: {adapter.base_model} with {adapter.adapter_id} of {adapter.target} merged into its weights")
    return out


def compose(lake: Path, named: list[str], folder: Path) -> Path:
    """Write one adapter that is several at once; returns the folder. Errors: `Told`, also when they adapt different models."""
    if len(named) < 2:
        raise Told("name at least two adapters", ExitCode.USAGE)
    parts = [_usable(lake, each) for each in named]
    if len({adapter.base_model for adapter, _, _ in parts}) > 1:
        raise Told(
            "these adapters adapt different models: " + ", ".join(sorted({a.base_model for a, _, _ in parts})), ExitCode.USAGE
        )
    out = _new(folder)
    run_program(
        "combine_adapters.py", ["compose", str(parts[0][2]), str(out), *(str(files) for _, files, _ in parts)], cache_path(lake)
    )
    say(f"{out}: {' + '.join(adapter.adapter_id for adapter, _, _ in parts)} as one adapter; it is not registered")
    return out
