"""Let Axolotl validate a configuration for a machine that this one only pretends to be. Runs in the training environment.

    python check_config.py CONFIG CAPABILITIES

CAPABILITIES: JSON {"n_gpu": 1, "compute_capability": "sm_86"}; n_gpu 0 is a machine without GPU. Prints a JSON list of complaints.
"""

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import yaml


def complaints(config: dict[str, Any], machine: dict[str, Any]) -> list[str]:
    """What Axolotl says is wrong, one sentence each."""
    import torch
    from axolotl.utils.config import validate_config
    from axolotl.utils.dict import DictDefault
    from pydantic import ValidationError

    # Plugins have settings of their own; ours have none.
    settings = DictDefault({key: value for key, value in config.items() if key != "plugins"})
    has_gpu = machine["n_gpu"] > 0
    capabilities = {
        "bf16": has_gpu,
        "tf32": has_gpu,
        "fp8": False,
        "n_gpu": machine["n_gpu"],
        "n_node": 1,
        "compute_capability": machine.get("compute_capability"),
    }
    try:
        validate_config(settings, capabilities=capabilities, env_capabilities={"torch_version": torch.__version__.split("+")[0]})
    except ValidationError as error:
        return [f"{'.'.join(map(str, fault['loc'])) or 'settings'}: {fault['msg']}" for fault in error.errors()]
    except (ValueError, TypeError, OSError) as error:
        return [str(error).strip().splitlines()[0]]
    return []


def main(arguments: list[str]) -> None:
    """Read the command line (see above); nothing but the list goes to standard output."""
    config = yaml.safe_load(Path(arguments[0]).read_text(encoding="utf-8"))
    with contextlib.redirect_stdout(sys.stderr):
        found = complaints(config, json.loads(arguments[1]))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
