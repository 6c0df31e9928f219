"""Axolotl plugins of the project. Axolotl imports this module by name; `make train-env` puts its folder on the path.

CpuRepair: on CPUs with AVX512-BF16 the first evaluation of a 4-bit model repacks its weights into a layout without gradients, and
the training that follows is silently wrong (bitsandbytes 0.50). Where there is no CUDA, that repacking is switched off.

Progress: writes one JSON line per logged step into the file FORGE_PROGRESS names; without it, it does nothing.
"""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from axolotl.integrations.base import BasePlugin
from transformers import TrainerCallback


def keep_gradients() -> bool:
    """Switch the repacking off where there is no CUDA; returns whether it was needed to."""
    if torch.cuda.is_available():
        return False
    import bitsandbytes.nn.modules as modules

    was_on = bool(modules.has_avx512bf16())
    modules.has_avx512bf16 = lambda: False
    return was_on


class CpuRepair(BasePlugin):  # type: ignore[misc]
    """See above."""

    def pre_model_load(self, cfg: Any) -> None:
        """Before any weight is loaded."""
        keep_gradients()


class _ProgressFile(TrainerCallback):  # type: ignore[misc]
    def __init__(self, path: Path) -> None:
        self.path = path

    def _write(self, line: Mapping[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"at": time.time(), **line}) + "\n")

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self._write({"event": "begin", "step": state.global_step, "steps": state.max_steps})

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **others: Any) -> None:
        numbers = {key: value for key, value in (logs or {}).items() if isinstance(value, int | float)}
        self._write({"event": "log", "step": state.global_step, "steps": state.max_steps, **numbers})

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self._write({"event": "end", "step": state.global_step, "steps": state.max_steps})


class Progress(BasePlugin):  # type: ignore[misc]
    """See above."""

    def add_callbacks_pre_trainer(self, cfg: Any, model: Any) -> list[Any]:
        """The callback that writes, on the first process only."""
        path = os.environ.get("FORGE_PROGRESS")
        if not path or int(os.environ.get("RANK", "0")) != 0:
            return []
        return [_ProgressFile(Path(path))]
