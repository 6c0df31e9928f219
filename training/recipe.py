"""`training/recipe.yaml`, read and checked: every mistake is told with its key and line, before anything is rented."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from ingest.positioned_yaml import PolicyFileError, PolicyReader, kind_of, nearest
from lake.governance import ROLES
from training.axolotl_keys import FORGE_SETS, fault, table

RECIPE = Path(__file__).with_name("recipe.yaml")
VARIABLE = "FORGE_RECIPE"
KINDS = ("base", "overlay")
TOKENIZERS_OWN = "tokenizer_default"
ALL_ROLES = "all"
_SECTIONS = ("model", "defaults", "evaluation", "kinds", "roles", "startups", "profiles")
_MODEL = ("base_model", "chat_template", "eos_token", "pad_token")
_EVALUATION = ("maximum_rows", "generated_turns", "generated_tokens")
_PROFILE = ("hardware", "price_per_hour", "base_model", "gpu", "axolotl")


@dataclass(frozen=True)
class Setting:
    """A value and where it stands: `place` in the recipe (`roles.mayor`), `line` from 1 (0: not in the recipe)."""

    value: Any
    place: str
    line: int


Settings = dict[str, Setting]


@dataclass(frozen=True)
class Profile:
    """A kind of machine. `price_per_hour` in dollars; `compute_capability` and `gpu_count` are of its GPUs, None and 0 without."""

    name: str
    hardware: str
    price_per_hour: float
    base_model: str | None
    compute_capability: str | None
    gpu_count: int
    settings: Settings


@dataclass(frozen=True)
class EvaluationSize:
    """How much is evaluated: rows per file, and of how many the model writes a turn itself, of at most so many tokens."""

    maximum_rows: int = 400
    generated_turns: int = 20
    generated_tokens: int = 128


@dataclass(frozen=True)
class Recipe:
    """A whole recipe. `startups`: name → settings by role; those of ALL_ROLES come first."""

    path: Path
    base_model: str
    chat_template: str
    eos_token: str
    pad_token: str
    evaluation: EvaluationSize
    defaults: Settings = field(default_factory=dict)
    kinds: Mapping[str, Settings] = field(default_factory=dict)
    roles: Mapping[str, Settings] = field(default_factory=dict)
    startups: Mapping[str, Mapping[str, Settings]] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)

    @property
    def template_text(self) -> str | None:
        """The chat template; None when the model's own is used."""
        if self.chat_template == TOKENIZERS_OWN:
            return None
        return (self.path.parent / self.chat_template).read_text(encoding="utf-8")

    def settings(self, kind: str, role: str, startup: str | None, profile: Profile) -> Settings:
        """Axolotl's settings for one adapter: the later section wins."""
        layers = [self.defaults, self.kinds.get(kind, {}), self.roles.get(role, {})]
        if startup is not None:
            own = self.startups.get(startup, {})
            layers += [own.get(ALL_ROLES, {}), own.get(role, {})]
        layers.append(profile.settings)
        merged: Settings = {}
        for layer in layers:
            merged |= layer
        return merged


class _Reader(PolicyReader):
    def axolotl(self, node: yaml.Node, place: str) -> Settings:
        """A mapping of Axolotl's keys."""
        if not isinstance(node, yaml.MappingNode):
            self.problem(node, place, f"must be a mapping of Axolotl's keys; it is {kind_of(node)}")
            return {}
        found: Settings = {}
        for name_node, value_node in node.value:
            name = str(name_node.value)
            key, line = f"{place}.{name}", name_node.start_mark.line + 1
            value = SafeConstructor().construct_object(value_node, deep=True)
            if name in FORGE_SETS:
                self.problem(line, key, f"may not stand here: it {FORGE_SETS[name]}")
            elif name not in table():
                self.problem(line, key, f"is no key of Axolotl{nearest(name, list(table()))}")
            elif name in found:
                self.problem(line, key, f"stands here a second time (first on line {found[name].line}); keep one")
            elif value is None:
                self.problem(line, key, "has no value; write one or remove the key")
            elif (wrong := fault(name, value)) is not None:
                self.problem(line, key, wrong)
            else:
                found[name] = Setting(value, place, line)
        return found

    def named(self, node: yaml.Node, place: str) -> dict[str, yaml.Node]:
        """A mapping whose keys are names that somebody chose."""
        if not isinstance(node, yaml.MappingNode):
            self.problem(node, place, f"must be a mapping; it is {kind_of(node)}")
            return {}
        return self.mapping(node, place, [str(name.value) for name, _ in node.value])

    def number(self, node: yaml.Node, key: str, what: str) -> float:
        """A number of at least 0."""
        value = SafeConstructor().construct_object(node, deep=True)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            self.problem(node, key, f"must be {what}; it is {value!r}")
            return 0.0
        return float(value)

    def profile(self, name: str, node: yaml.Node) -> Profile:
        """One entry of `profiles`."""
        place = f"profiles.{name}"
        entries = self.mapping(node, place, _PROFILE)
        for wanted in ("hardware", "price_per_hour"):
            if wanted not in entries:
                self.problem(node, place, f"lacks the key {wanted}")
        price = entries.get("price_per_hour")
        hardware = entries.get("hardware")
        model = entries.get("base_model")
        gpu = self.mapping(entries["gpu"], f"{place}.gpu", ("compute_capability", "count")) if "gpu" in entries else {}
        capability = gpu.get("compute_capability")
        sm = self.text(capability, f"{place}.gpu.compute_capability", "text such as sm_86") if capability else None
        count = self.number(gpu["count"], f"{place}.gpu.count", "the number of GPUs") if "count" in gpu else float(bool(gpu))
        return Profile(
            name=name,
            hardware=(self.text(hardware, f"{place}.hardware", "a text") or "") if hardware else "",
            price_per_hour=self.number(price, f"{place}.price_per_hour", "a price in dollars, at least 0") if price else 0.0,
            base_model=self.text(model, f"{place}.base_model", "a model's folder or name") if model else None,
            compute_capability=sm,
            gpu_count=int(count),
            settings=self.axolotl(entries["axolotl"], f"{place}.axolotl") if "axolotl" in entries else {},
        )


def read_recipe(path: Path = RECIPE) -> Recipe:
    """Read a recipe. Errors: `PolicyFileError` with every mistake, each with its line and key."""
    reader = _Reader(path)
    document = reader.document()
    sections = reader.mapping(document, "", _SECTIONS) if document is not None else {}
    if document is None and not reader.problems:
        reader.problem(1, "", f"is empty; it needs the sections {', '.join(_SECTIONS)}")
    model: dict[str, str] = {}
    if "model" in sections:
        for name, node in reader.mapping(sections["model"], "model", _MODEL).items():
            model[name] = reader.text(node, f"model.{name}", "text") or ""
    if document is not None:
        for name in _MODEL:
            if name not in model:
                reader.problem(sections.get("model", document), "model", f"lacks the key {name}")
        if "profiles" not in sections:
            reader.problem(document, "", "lacks the section profiles")
    template = model.get("chat_template", "")
    if template and template != TOKENIZERS_OWN and not (path.parent / template).is_file():
        reader.problem(sections["model"], "model.chat_template", f"{template} is no file beside the recipe, nor {TOKENIZERS_OWN}")

    def each(section: str, names: tuple[str, ...]) -> dict[str, Settings]:
        entries = reader.mapping(sections[section], section, names) if section in sections else {}
        return {name: reader.axolotl(node, f"{section}.{name}") for name, node in entries.items()}

    startups = {}
    for name, node in (reader.named(sections["startups"], "startups") if "startups" in sections else {}).items():
        own = reader.mapping(node, f"startups.{name}", (ALL_ROLES, *ROLES))
        startups[name] = {role: reader.axolotl(part, f"startups.{name}.{role}") for role, part in own.items()}
    size: dict[str, int] = {}
    if "evaluation" in sections:
        for name, node in reader.mapping(sections["evaluation"], "evaluation", _EVALUATION).items():
            size[name] = int(reader.number(node, f"evaluation.{name}", "a whole number, at least 0"))
    profiles = reader.named(sections["profiles"], "profiles") if "profiles" in sections else {}
    recipe = Recipe(
        path=path,
        base_model=model.get("base_model", ""),
        chat_template=template,
        eos_token=model.get("eos_token", ""),
        pad_token=model.get("pad_token", ""),
        evaluation=EvaluationSize(**size),
        defaults=reader.axolotl(sections["defaults"], "defaults") if "defaults" in sections else {},
        kinds=each("kinds", KINDS),
        roles=each("roles", ROLES),
        startups=startups,
        profiles={name: reader.profile(name, node) for name, node in profiles.items()},
    )
    if reader.problems:
        raise PolicyFileError(path, reader.problems)
    return recipe
