"""Which keys Axolotl accepts, with which types: Axolotl itself drops unknown keys without a word.

The table axolotl_keys.json is written by training/programs/axolotl_keys.py in the training environment.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("axolotl_keys.json")

FORGE_SETS = {
    "base_model": "stands in `model`",
    "chat_template": "stands in `model`",
    "chat_template_jinja": "stands in `model`, as the file of `chat_template`",
    "special_tokens": "follows from `eos_token` and `pad_token` in `model`",
    "datasets": "follows from the snapshot",
    "test_datasets": "follows from the snapshot",
    "val_set_size": "is always 0: which rows are evaluated is the snapshot's decision",
    "dataset_prepared_path": "follows from the snapshot",
    "output_dir": "follows from the run",
    "lora_model_dir": "follows from the parent adapter",
    "auto_resume_from_checkpoints": "is always true",
    "resume_from_checkpoint": "is found by the run itself",
    "hub_model_id": "would create a repository before training; `forge registry` publishes afterwards",
    "plugins": "is set by the run",
}
"""Axolotl's keys that a recipe may not set, and why."""

_NAMES = {"boolean": "true or false", "integer": "a whole number", "number": "a number", "string": "text"}
_OTHERS = {"object": "a mapping", "array": "a list"}


@cache
def table() -> dict[str, dict[str, list[str]]]:
    """Key → `types` (of JSON) and, where only some texts are accepted, `names`."""
    content: dict[str, dict[str, list[str]]] = json.loads(TABLE.read_text(encoding="utf-8"))["keys"]
    return content


def _type_of(value: Any) -> str:
    kinds: list[tuple[type, str]] = [(bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array")]
    return next((name for kind, name in kinds if isinstance(value, kind)), "object")


def fault(key: str, value: Any) -> str | None:
    """What is wrong with a value of a known key; None when nothing is. A whole number may stand for a number, not the reverse."""
    entry = table()[key]
    types, names = set(entry["types"]), entry.get("names", [])
    kind = _type_of(value)
    # Axolotl would read `learning_rate: 2e-4`, which YAML takes for text, but nobody else who reads the file.
    if key == "learning_rate":
        types.discard("string")
    if "any" in types or kind in types or (kind == "integer" and "number" in types) or value in names:
        return None
    wanted = [text for name, text in (_NAMES | _OTHERS).items() if name in types]
    if names:
        wanted.append("one of " + ", ".join(names))
    hint = " (a number with an exponent needs a point: 2.0e-4)" if kind == "string" and types & {"number", "integer"} else ""
    return f"must be {' or '.join(wanted)}; it is {value!r}{hint}"
