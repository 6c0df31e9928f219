"""Print the keys that this Axolotl accepts, with their types, as JSON. Runs in the training environment.

Kept as training/axolotl_keys.json, so that a recipe is checked where no Axolotl is installed; a test holds it to the installed one.
"""

import json
from enum import Enum
from importlib.metadata import version
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array", NoneType: "null"}


def accepted(kind: Any) -> tuple[set[str], set[str]]:
    """JSON types, and the texts that are named, of one annotation. A text that must be one of some names is no `string`."""
    origin = get_origin(kind)
    if origin is Annotated:
        return accepted(get_args(kind)[0])
    if origin in (Union, UnionType):
        found = [accepted(part) for part in get_args(kind)]
        return set().union(*(types for types, _ in found)), set().union(*(names for _, names in found))
    if origin is Literal:
        named = {value for value in get_args(kind) if isinstance(value, str)}
        return {_TYPES.get(type(value), "any") for value in get_args(kind) if not isinstance(value, str)}, named
    if isinstance(kind, type) and issubclass(kind, Enum):
        named = {member.value for member in kind if isinstance(member.value, str)}
        return set() if named else {"any"}, named
    plain = origin or kind
    if plain in _TYPES:
        return {_TYPES[plain]}, set()
    return ({"object"} if isinstance(plain, type) and hasattr(plain, "model_fields") else {"any"}), set()


def main() -> None:
    """Write the table to standard output."""
    from axolotl.utils.schemas.config import AxolotlInputConfig
    from transformers import SchedulerType
    from transformers.training_args import OptimizerNames

    # Axolotl takes any text for these two and fails when training begins.
    meant = {"optimizer": {name.value for name in OptimizerNames}, "lr_scheduler": {name.value for name in SchedulerType}}
    keys = {}
    for name, field in sorted(AxolotlInputConfig.model_fields.items()):
        types, names = accepted(field.annotation)
        if name in meant:
            types, names = types - {"string"}, names | meant[name]
        keys[name] = {"types": sorted(types)} | ({"names": sorted(names)} if names else {})
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(entry)}" for name, entry in keys.items())
    print(f'{{"axolotl": "{version("axolotl")}", "keys": {{\n{lines}\n}}}}')


if __name__ == "__main__":
    main()
