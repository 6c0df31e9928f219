"""Settings that are each accepted and cannot go together, or that would silently train something else than the snapshot means."""

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.positioned_yaml import Problem
from training.recipe import Profile, Setting, Settings

_PARENTS: dict[str, tuple[str, Any]] = {
    "lora_r": ("r", None),
    "lora_alpha": ("lora_alpha", None),
    "peft_use_dora": ("use_dora", False),
    "peft_use_rslora": ("use_rslora", False),
}
_CUDA_KEYS = ("bf16", "fp16", "tf32", "sample_packing", "lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel", "flash_attention")
_KERNELS = ("lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel")
_CUDA_OPTIMIZERS = ("8bit", "paged", "4bit", "fused", "fp8")
_SEPARATING = ("flash_attention_2", "flash_attention_3", "flex_attention", "xformers")
_EITHER = (
    ("warmup_steps", "warmup_ratio"),
    ("eval_steps", "evals_per_epoch"),
    ("save_steps", "saves_per_epoch"),
    ("lora_target_linear", "lora_target_modules"),
)


def problems(settings: Settings, profile: Profile, longest: int) -> list[Problem]:
    """What is impossible in the settings of one adapter on one profile. `longest`: tokens of the longest example."""
    return sorted(
        set(_everywhere(settings, longest)) | set(_without_gpu(settings) if profile.gpu_count == 0 else _packing(settings))
    )


def parent_problems(settings: Settings, parent: Mapping[str, Any]) -> list[Problem]:
    """In what an overlay's settings differ from its parent's `adapter_config.json` and may not: Axolotl takes the parent's matrices
    and does not say that the settings were ignored."""
    found = []
    for key, (name, default) in _PARENTS.items():
        theirs = parent.get(name, default)
        if key in settings and settings[key].value != theirs:
            message = f"is {settings[key].value!r}, but {theirs!r} in its parent; an overlay goes on with the parent's matrices"
            found.append(_at(settings[key], key, message))
    return found


def _at(setting: Setting, key: str, message: str) -> Problem:
    return Problem(setting.line, f"{setting.place}.{key}", message)


def _is_on(settings: Settings, key: str) -> bool:
    return key in settings and settings[key].value not in (False, None)


def _everywhere(settings: Settings, longest: int) -> Iterator[Problem]:
    for key in ("adapter", "sequence_len", "micro_batch_size", "gradient_accumulation_steps", "learning_rate"):
        if key not in settings:
            yield Problem(0, f"defaults.{key}", "is missing: the recipe must say it")
    adapter = settings.get("adapter")
    if adapter is not None:
        if adapter.value not in ("lora", "qlora"):
            yield _at(adapter, "adapter", f"must be lora or qlora: adapters are what is served; it is {adapter.value!r}")
        if adapter.value == "qlora" and not _is_on(settings, "load_in_4bit"):
            yield _at(adapter, "adapter", "qlora needs load_in_4bit: true")
        if adapter.value == "lora" and _is_on(settings, "load_in_4bit"):
            yield _at(settings["load_in_4bit"], "load_in_4bit", "belongs to adapter: qlora; with lora the weights stay as they are")
    if _is_on(settings, "load_in_8bit") and _is_on(settings, "load_in_4bit"):
        yield _at(settings["load_in_8bit"], "load_in_8bit", "cannot go with load_in_4bit: choose one")
    if _is_on(settings, "bf16") and _is_on(settings, "fp16"):
        yield _at(settings["fp16"], "fp16", "cannot go with bf16: choose one")
    if _is_on(settings, "train_on_inputs"):
        yield _at(
            settings["train_on_inputs"], "train_on_inputs", "would learn tool output and failed turns: the snapshot's flags decide"
        )
    for one, other in _EITHER:
        if _is_on(settings, one) and _is_on(settings, other):
            later = max(settings[one], settings[other], key=lambda setting: setting.line)
            yield _at(later, one if later is settings[one] else other, f"{one} and {other} say the same in two ways: keep one")
    if "num_epochs" not in settings and "max_steps" not in settings:
        yield Problem(0, "defaults.num_epochs", "is missing: say num_epochs or max_steps")
    for key in ("lora_r", "micro_batch_size", "gradient_accumulation_steps", "sequence_len", "num_epochs", "max_steps"):
        if key in settings and settings[key].value <= 0:
            yield _at(settings[key], key, f"must be more than 0; it is {settings[key].value}")
    length = settings.get("sequence_len")
    if length is not None and 0 < length.value < longest:
        advice = "raise it, or cut a snapshot with a smaller budget"
        yield _at(length, "sequence_len", f"is {length.value}, but the longest example has {longest} tokens; {advice}")


def _without_gpu(settings: Settings) -> Iterator[Problem]:
    for key in _CUDA_KEYS:
        if _is_on(settings, key):
            yield _at(settings[key], key, "needs a GPU, and this profile has none: set it to false")
    for key in _KERNELS:
        if key not in settings:
            yield Problem(0, f"profiles.*.axolotl.{key}", "must be false without a GPU: it switches itself on and needs CUDA")
    optimizer = settings.get("optimizer")
    if optimizer is not None and any(part in optimizer.value for part in _CUDA_OPTIMIZERS):
        yield _at(optimizer, "optimizer", f"{optimizer.value} needs a GPU: use adamw_torch")
    attention = settings.get("attn_implementation")
    if attention is not None and "flash" in attention.value:
        yield _at(attention, "attn_implementation", f"{attention.value} needs a GPU: use sdpa")


def _packing(settings: Settings) -> Iterator[Problem]:
    if not _is_on(settings, "sample_packing"):
        return
    attention = settings.get("attn_implementation")
    if (attention is None or attention.value not in _SEPARATING) and not any(
        _is_on(settings, key) for key in ("flash_attention", "flex_attention", "xformers_attention")
    ):
        names = " or ".join(_SEPARATING)
        message = f"needs an attention that separates the samples (attn_implementation: {names}): others read across them"
        yield _at(settings["sample_packing"], "sample_packing", message)
