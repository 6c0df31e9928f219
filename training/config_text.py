"""`forge train config`: resolve one adapter's file, let Axolotl look at it where it is installed, print it."""

import json
import tempfile
from pathlib import Path

from lake.exit_codes import ExitCode
from lake.governance import ROLES
from lake.tell import Told, complain
from training.config import Parent, Resolved, resolve
from training.model import cache_path
from training.recipe import RECIPE, Profile, read_recipe
from training.registry import Registry, RegistryError
from training.train_env import VARIABLE, run_program, train_python
from training.training_data import Target, find_unwithdrawn, read_training_data, target_of


def resolve_named(
    lake: Path,
    startup: str,
    role: str,
    snapshot: str,
    *,
    profile: str,
    model: str | None,
    parent: str | None,
    recipe: Path | None,
) -> Resolved:
    """The Axolotl file of what a command names. Errors: as `training.config.resolve`, and `Told` for names that are not known."""
    if role not in ROLES:
        raise Told(f"{role} is no trained role; accepted: {', '.join(ROLES)}", ExitCode.USAGE)
    rules = read_recipe((recipe or RECIPE).expanduser().absolute())
    target = target_of(startup, role)
    data = read_training_data(find_unwithdrawn(lake, snapshot), target)
    return resolve(lake, rules, data, profile, model, find_parent(lake, target, parent))


def find_parent(lake: Path, target: Target, named: str | None) -> Parent | None:
    """The adapter that an overlay goes on from: the one named, or the champion of its base. None for a base of its own.

    Errors: `Told` when an overlay has none, or its files are not here.
    """
    if target.kind == "base" and named is None:
        return None
    registry = Registry.read(lake)
    try:
        found = registry.find(named) if named is not None else registry.champion(None, target.role)
    except RegistryError as error:
        raise Told(str(error), ExitCode.USAGE) from error
    if found is None:
        advice = "train and promote that first, or name an adapter with --parent"
        raise Told(f"{target.name} goes on from base/{target.role}, which has no champion: {advice}", ExitCode.USAGE)
    if found.role != target.role or found.startup not in (None, target.startup):
        raise Told(f"{found.adapter_id} is {found.target}: {target.name} cannot go on from it", ExitCode.USAGE)
    folder = Path(found.local_path) if found.local_path is not None else None
    if folder is not None and not folder.is_absolute():
        folder = lake / folder
    if folder is None or not (folder / "adapter_config.json").is_file():
        raise Told(f"the files of {found.adapter_id} are not on this machine ({found.local_path})", ExitCode.USAGE)
    return Parent(found.adapter_id, folder, found.base_model, found.tokenizer_hash)


def axolotls_complaints(config_file: Path, profile: Profile, cache: Path) -> list[str]:
    """What Axolotl itself finds wrong in a file, for the profile's machine."""
    machine = {"n_gpu": profile.gpu_count, "compute_capability": profile.compute_capability}
    output = run_program("check_config.py", [str(config_file), json.dumps(machine)], cache)
    found: list[str] = json.loads(output.splitlines()[-1])
    return found


def check_by_axolotl(resolved: Resolved, cache: Path) -> None:
    """Errors: `Told` with what Axolotl finds wrong."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "config.yaml"
        file.write_text(resolved.text, encoding="utf-8")
        complaints = axolotls_complaints(file, resolved.profile, cache)
    if complaints:
        raise Told("\n".join(["Axolotl refuses this configuration:", *complaints]), ExitCode.USAGE)


def print_config(
    lake: Path,
    startup: str,
    role: str,
    snapshot: str,
    *,
    profile: str,
    model: str | None,
    parent: str | None,
    recipe: Path | None,
    out: Path | None,
) -> None:
    """Print the file, or write it to `out`. Errors: as `resolve_named`, and `Told` with what Axolotl finds wrong."""
    resolved = resolve_named(lake, startup, role, snapshot, profile=profile, model=model, parent=parent, recipe=recipe)
    try:
        train_python()
    except Told:
        complain(f"not validated by Axolotl: no training environment here (`make train-env`, or {VARIABLE})")
    else:
        check_by_axolotl(resolved, cache_path(lake))
    if out is None:
        print(resolved.text, end="")
    else:
        out.write_text(resolved.text, encoding="utf-8")
