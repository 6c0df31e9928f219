"""One adapter's Axolotl file: recipe + snapshot + profile + parent, resolved to plain values, checked, and written with reasons.

Everything that can be wrong is told before a GPU is rented: unknown keys, types and combinations by the recipe's own line, a
tokenizer other than the one the snapshot was cut with, a parent of another shape.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ingest.positioned_yaml import PolicyFileError, Problem
from lake.exit_codes import ExitCode
from lake.snapshot_layout import path_safe
from lake.tell import Told
from training.base_model import BaseModel, find_model, token_faults
from training.dataset_entries import sft_entry
from training.recipe import Profile, Recipe, Setting
from training.recipe_rules import parent_problems, problems
from training.training_data import TrainingData


class _Dumper(yaml.SafeDumper):
    """YAML with texts of many lines as blocks."""


def _text_node(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text_node)

PLUGINS = ["forge_axolotl.CpuRepair", "forge_axolotl.Progress"]
_EVALUATION_KEYS = ("evals_per_epoch", "eval_steps", "eval_strategy")


@dataclass(frozen=True)
class Parent:
    """The adapter that training goes on from."""

    adapter_id: str
    folder: Path
    base_model: str
    tokenizer_hash: str | None


@dataclass(frozen=True)
class Resolved:
    """A file ready to run. `values`: Axolotl's keys; `origins`: where each comes from; `run_id`: the same inputs, the same id."""

    data: TrainingData
    profile: Profile
    model: BaseModel
    parent: Parent | None
    values: dict[str, Any]
    origins: dict[str, str]
    config_hash: str
    run_id: str

    @property
    def text(self) -> str:
        """The YAML file, with a comment at every key."""
        return _text(self)


def runs_path(lake: Path) -> Path:
    """Where training runs lie, one folder each."""
    return lake / "train" / "runs"


def resolve(lake: Path, recipe: Recipe, data: TrainingData, profile: str, model: str | None, parent: Parent | None) -> Resolved:
    """The Axolotl file of one adapter.

    `model`: instead of the recipe's base model. Errors: `Told` for a profile, model or tokenizer that does not fit;
    `PolicyFileError` for what is wrong in the recipe.
    """
    target = data.target
    machine = recipe.profiles.get(profile)
    if machine is None:
        raise Told(f"{recipe.path} has no profile {profile}; it has {', '.join(recipe.profiles)}", ExitCode.USAGE)
    settings = recipe.settings(target.kind, target.role, target.startup, machine)
    used = find_model(model or machine.base_model or recipe.base_model)
    template = recipe.template_text
    wrong = problems(settings, machine, data.longest)
    wrong += [
        Problem(0, f"model.{key}", message) for key, message in token_faults(used, recipe.eos_token, recipe.pad_token, template)
    ]
    if parent is not None:
        wrong += parent_problems(settings, json.loads((parent.folder / "adapter_config.json").read_text(encoding="utf-8")))
    if wrong:
        raise PolicyFileError(recipe.path, wrong)
    _same_tokenizer(data, used, parent)
    if data.eval_file is None:
        settings = {key: setting for key, setting in settings.items() if key not in _EVALUATION_KEYS}
    values = {key: setting.value for key, setting in settings.items()}
    config_hash = _hash([values, template, recipe.eos_token, recipe.pad_token, used.fingerprint, target.name])
    run_id = _hash([config_hash, data.manifest.id, parent.adapter_id if parent else None])[:16]
    fixed = _fixed(lake, recipe, data, used, parent, template, run_id)
    origins = {key: _origin(recipe, setting) for key, setting in settings.items()} | {
        key: reason for key, (_, reason) in fixed.items()
    }
    ordered = {key: value for key, (value, _) in fixed.items()} | values
    return Resolved(data, machine, used, parent, ordered, origins, config_hash, run_id)


def _fixed(
    lake: Path, recipe: Recipe, data: TrainingData, model: BaseModel, parent: Parent | None, template: str | None, run_id: str
) -> dict[str, tuple[Any, str]]:
    """What follows from snapshot, model and run: key → (value, why)."""
    snapshot = data.manifest
    where = f"snapshot {snapshot.name} {snapshot.short_id}"
    prepared = lake / "train" / "prepared" / snapshot.id[:16] / path_safe(data.target.name.replace("/", "-"))
    fixed: dict[str, tuple[Any, str]] = {"base_model": (model.name, "the recipe's model, the profile's, or --model")}
    if parent is not None:
        fixed["lora_model_dir"] = (str(parent.folder), f"goes on from adapter {parent.adapter_id}")
    fixed["datasets"] = ([sft_entry(data.train_file)], f"{data.train_rows} rows of {where}")
    if data.eval_file is not None:
        fixed["test_datasets"] = (
            [sft_entry(data.eval_file)],
            f"{data.eval_rows} rows of {where}, of groups that are not trained on",
        )
    fixed |= {
        "val_set_size": (0, "which rows are evaluated was decided by the snapshot"),
        "dataset_prepared_path": (str(prepared), "Axolotl's cache knows a file by its configuration, not by its content"),
        "output_dir": (str(runs_path(lake) / run_id / "adapter"), f"run {run_id}"),
        "special_tokens": ({"eos_token": recipe.eos_token, "pad_token": recipe.pad_token}, "the recipe's model"),
        "auto_resume_from_checkpoints": (True, "an interrupted run goes on from its last checkpoint"),
        "plugins": (PLUGINS, "training/programs/forge_axolotl.py: a repair for CPUs, and the progress file"),
        "chat_template": ("jinja" if template is not None else "tokenizer_default", "the recipe's model"),
    }
    if template is not None:
        fixed["chat_template_jinja"] = (template, f"{recipe.chat_template}, as its turns were counted")
    return fixed


def _same_tokenizer(data: TrainingData, model: BaseModel, parent: Parent | None) -> None:
    counted = data.manifest.tokenizer.get("hash")
    if counted != model.tokenizer_hash:
        raise Told(
            f"the snapshot {data.manifest.name} was cut with tokenizer {counted}, but {model.name} has {model.tokenizer_hash}: its"
            f" examples would be cut at other places. Make one with `forge snapshot create --tokenizer {model.tokenizer_file}`",
            ExitCode.USAGE,
        )
    if parent is not None and parent.tokenizer_hash not in (None, model.tokenizer_hash):
        raise Told(f"parent {parent.adapter_id} was trained with tokenizer {parent.tokenizer_hash}, not {counted}", ExitCode.USAGE)
    if parent is not None and parent.base_model != model.name:
        raise Told(f"parent {parent.adapter_id} adapts {parent.base_model}, not {model.name}", ExitCode.USAGE)


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _origin(recipe: Recipe, setting: Setting) -> str:
    return f"{recipe.path.name}:{setting.line} {setting.place}"


def _text(resolved: Resolved) -> str:
    snapshot, target = resolved.data.manifest, resolved.data.target
    parent = f"adapter {resolved.parent.adapter_id}" if resolved.parent else "none"
    head = [
        f"Axolotl's settings for {target.name}, written by `forge train config`.",
        f"snapshot  {snapshot.name} {snapshot.id}",
        f"profile   {resolved.profile.name}: {resolved.profile.hardware}",
        f"model     {resolved.model.name} (fingerprint {resolved.model.fingerprint}, tokenizer {resolved.model.tokenizer_hash})",
        f"parent    {parent}",
        f"config    {resolved.config_hash}",
        f"run       {resolved.run_id}",
    ]
    lines = [f"# {line}" for line in head] + [""]
    for key, value in resolved.values.items():
        dumped = yaml.dump({key: value}, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000).rstrip("\n")
        reason = resolved.origins[key]
        lines += [f"# {reason}", dumped] if "\n" in dumped else [f"{dumped} # {reason}"]
    return "\n".join(lines) + "\n"
