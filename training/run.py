"""`forge train run`: preprocess → train → evaluate → record, for one adapter.

The same configuration, snapshot and parent are the same run: done once, it is not done again, and one that was interrupted or
failed goes on where it stopped (a finished step is not repeated, training resumes from its last checkpoint). Its folder is
`<lake>/train/runs/<run_id>`: `config.yaml`, `state.json` (finished steps), logs, `progress.jsonl`, `adapter/`.
"""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lake.locks import lock
from lake.tell import Told, ago, say
from training.adapter_table import CANDIDATE, Adapter
from training.artefact import adapter_id_of, artefact_hash
from training.config import Resolved, runs_path
from training.dataset_entries import IGNORED
from training.evaluation import evaluate
from training.model import cache_path
from training.program_run import ProgramError, Progress, run_logged
from training.recipe import EvaluationSize
from training.registry import Registry, register
from training.run_table import DONE, FAILED, STARTED, read_runs, write_run
from training.shared_only import learn_of
from training.train_env import axolotl, run_program

LOCK = "train"


@dataclass
class RunFolder:
    """A run's folder and what is known of its finished steps: step → its numbers."""

    path: Path
    steps: dict[str, dict[str, Any]]

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """The folder, made if need be."""
        path.mkdir(parents=True, exist_ok=True)
        state = path / "state.json"
        return cls(path, json.loads(state.read_text(encoding="utf-8")) if state.is_file() else {})

    def finish(self, step: str, **numbers: Any) -> None:
        """Note that a step is finished."""
        self.steps[step] = numbers
        unfinished = self.path / "state.json.unfinished"
        unfinished.write_text(json.dumps(self.steps, indent=1), encoding="utf-8")
        unfinished.replace(self.path / "state.json")


def train(lake: Path, resolved: Resolved, size: EvaluationSize, reason: str) -> Adapter:
    """Train what is resolved and register it as a candidate; returns the adapter.

    Errors: `Told` when a step failed (the run is recorded as failed, with its reason); `LockHeldError` when another run trains.
    """
    with lock(lake, LOCK):
        known = read_runs(lake).get(resolved.run_id)
        if known is not None and known["status"] == DONE:
            adapter = Registry.read(lake).adapters.get(known["adapter_id"])
            if adapter is not None:
                say(f"run {resolved.run_id} is done already: adapter {adapter.adapter_id} of {adapter.target} ({adapter.status})")
                return adapter
        folder = RunFolder.open(runs_path(lake) / resolved.run_id)
        (folder.path / "config.yaml").write_text(resolved.text, encoding="utf-8")
        about = _about(resolved, reason)
        write_run(lake, about | {"status": STARTED})
        what = f"{resolved.data.target.name} from snapshot {resolved.data.manifest.name}"
        say(f"run {resolved.run_id}: {what} on {resolved.profile.name}")
        try:
            about["versions"] = _versions(folder, cache_path(lake))
            return _steps(lake, resolved, size, folder, about)
        except StepError as error:
            write_run(
                lake, about | _numbers(folder, resolved) | {"status": FAILED, "failed_step": error.step, "failure": str(error)}
            )
            raise Told(
                f"run {resolved.run_id} failed in {error.step}: {error}\nthe same command goes on where it stopped"
            ) from error


class StepError(RuntimeError):
    """A step failed; `step` names it, the message says why."""

    def __init__(self, step: str, message: str) -> None:
        self.step = step
        super().__init__(message)


@contextmanager
def _step(name: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as error:
        raise StepError(name, "interrupted") from error
    except (ProgramError, OSError, ValueError, Told) as error:
        raise StepError(name, str(error)) from error


def _steps(lake: Path, resolved: Resolved, size: EvaluationSize, folder: RunFolder, about: dict[str, Any]) -> Adapter:
    with _step("preprocess"):
        _preprocess(lake, resolved, folder)
    with _step("train"):
        _train(lake, folder)
    artefact = artefact_hash(folder.path / "adapter")
    with _step("record"):
        adapter = Adapter(
            adapter_id=adapter_id_of(artefact),
            role=resolved.data.target.role,
            startup=resolved.data.target.startup,
            status=CANDIDATE,
            reason=f"trained: {about['reason']}",
            learn=learn_of(lake, resolved),
            base_model=resolved.model.name,
            tokenizer_hash=resolved.model.tokenizer_hash,
            snapshot_name=resolved.data.manifest.name,
            snapshot_id=resolved.data.manifest.id,
            run_id=resolved.run_id,
            parent_adapter_id=resolved.parent.adapter_id if resolved.parent else None,
            artefact_hash=artefact,
            local_path=str(folder.path / "adapter"),
        )
    with _step("evaluate"):
        if "evaluate" not in folder.steps:
            began = time.monotonic()
            rows = evaluate(lake, resolved, size, adapter, folder.path, cache_path(lake))
            folder.finish("evaluate", seconds=time.monotonic() - began, rows=len(rows))
            say(f"  evaluated in {ago(folder.steps['evaluate']['seconds'])}: {len(rows)} rows")
    with _step("record"):
        register(lake, adapter)
        numbers = _numbers(folder, resolved)
        write_run(lake, about | numbers | {"status": DONE, "adapter_id": adapter.adapter_id, "artefact_hash": artefact})
    loss = f", loss {numbers['train_loss']:.3f}" if numbers.get("train_loss") is not None else ""
    evaluated = f", eval loss {numbers['eval_loss']:.3f}" if numbers.get("eval_loss") is not None else ""
    say(f"adapter {adapter.adapter_id} of {adapter.target}{loss}{evaluated}, ${numbers['cost_dollars']:.2f}")
    return adapter


def _preprocess(lake: Path, resolved: Resolved, folder: RunFolder) -> None:
    if "preprocess" in folder.steps:
        return
    began = time.monotonic()
    command = axolotl("preprocess", str(folder.path / "config.yaml"))
    run_logged(command, folder=folder.path, log=folder.path / "preprocess.log", cache=cache_path(lake))
    rows, empty = count_prepared(Path(resolved.values["dataset_prepared_path"]))
    if empty:
        raise ValueError(
            f"{empty} of {rows} rows have no token that is learned: the snapshot's flags and the chat template do not fit"
        )
    folder.finish("preprocess", seconds=time.monotonic() - began, rows=rows)
    say(f"  prepared {rows} rows in {ago(folder.steps['preprocess']['seconds'])}")


def count_prepared(folder: Path) -> tuple[int, int]:
    """Rows of everything prepared below a folder, and how many of them have no learned token."""
    rows = empty = 0
    for file in folder.glob("*/*.arrow"):
        with pa.memory_map(str(file)) as source:
            for batch in pa.ipc.open_stream(source):
                labels = batch["labels"]
                learned = np.asarray(labels.flatten().to_numpy(zero_copy_only=False) != IGNORED, dtype=np.int64)
                sums = np.concatenate([[0], np.cumsum(learned)])
                offsets = labels.offsets.to_numpy() - labels.offsets[0].as_py()
                rows += len(labels)
                empty += int((sums[offsets[1:]] == sums[offsets[:-1]]).sum())
    return rows, empty


def drop_unfinished_checkpoints(output: Path) -> None:
    """Remove checkpoints that a kill cut short: Axolotl resumes from the newest, whole or not. Their state file is written last."""
    for checkpoint in output.glob("checkpoint-*"):
        if not (checkpoint / "trainer_state.json").is_file():
            shutil.rmtree(checkpoint)


def _train(lake: Path, folder: RunFolder) -> None:
    if "train" in folder.steps:
        return
    drop_unfinished_checkpoints(folder.path / "adapter")
    began = time.monotonic()
    seen: Progress = run_logged(
        axolotl("train", str(folder.path / "config.yaml"), "--launcher", "python"),
        folder=folder.path,
        log=folder.path / "train.log",
        cache=cache_path(lake),
        progress=folder.path / "progress.jsonl",
    )
    folder.finish(
        "train",
        seconds=time.monotonic() - began,
        steps=seen.steps,
        learned_tokens=seen.learned_tokens,
        train_loss=seen.train_loss,
        eval_loss=seen.eval_loss,
    )


def _about(resolved: Resolved, reason: str) -> dict[str, Any]:
    data = resolved.data
    return {
        "run_id": resolved.run_id,
        "target": data.target.name,
        "role": data.target.role,
        "startup": data.target.startup,
        "reason": reason,
        "snapshot_name": data.manifest.name,
        "snapshot_id": data.manifest.id,
        "config_hash": resolved.config_hash,
        "parent_adapter_id": resolved.parent.adapter_id if resolved.parent else None,
        "base_model": resolved.model.name,
        "tokenizer_hash": resolved.model.tokenizer_hash,
        "profile": resolved.profile.name,
        "hardware": resolved.profile.hardware,
    }


def _numbers(folder: RunFolder, resolved: Resolved) -> dict[str, Any]:
    """What the finished steps measured, as columns of `train.runs`."""
    seconds = {
        f"{step}_seconds": float(folder.steps[step]["seconds"])
        for step in ("preprocess", "train", "evaluate")
        if step in folder.steps
    }
    trained = folder.steps.get("train", {})
    names = ("steps", "learned_tokens", "train_loss", "eval_loss")
    return (
        seconds
        | {name: trained[name] for name in names if name in trained}
        | {"cost_dollars": sum(seconds.values()) / 3600 * resolved.profile.price_per_hour}
    )


def _versions(folder: RunFolder, cache: Path) -> str:
    if "versions" not in folder.steps:
        folder.finish("versions", **json.loads(run_program("versions.py", [], cache)))
    return json.dumps(folder.steps["versions"], sort_keys=True)
