"""Evaluate an adapter beside what it must beat, on a snapshot's evaluation rows; what is known already is not computed again."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from lake.snapshot_layout import Part
from training.adapter_table import Adapter
from training.config import Resolved
from training.evaluation_table import Evaluation, read_evaluations, write_evaluations
from training.program_run import run_logged
from training.promotion import opponents_of
from training.recipe import EvaluationSize
from training.registry import Registry
from training.train_env import PROGRAMS, train_python
from training.training_data import TrainingData

EVALUATED_SPLITS = ("eval", "temporal_eval")
_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_VERB = re.compile(r"(?:^|[\s;&|(])(gt|bd)\s+([a-z][a-z-]*)")


def evaluated_files(data: TrainingData, splits: Iterable[str] = EVALUATED_SPLITS) -> list[Path]:
    """The files an adapter is evaluated on: its target's own, of an overlay its base's too, which decides nothing."""
    target = data.target
    scopes: list[tuple[str, str | None]] = [(target.kind, target.startup)]
    if target.startup is not None:
        scopes.append(("base", None))
    wanted = [Part(scope, startup, target.role, "sft", split) for scope, startup in scopes for split in splits]
    present = {file.part: file for file in data.manifest.files if file.rows}
    return [data.folder / present[part].path for part in wanted if part in present]


def verbs_of(text: str) -> list[str]:
    """The gt and bd verbs of a shell command: `gt sling`, `bd close`."""
    return [f"{program} {verb}" for program, verb in _VERB.findall(text)]


def learned_verbs(files: Iterable[Path]) -> set[str]:
    """The verbs in calls of these files that are learned: a call that failed is not, so all of them succeeded once."""
    found: set[str] = set()
    for file in files:
        for row in pq.read_table(file, columns=["messages"]).to_pylist():
            for message in row["messages"]:
                if message["role"] == "assistant" and message["train"] is not False:
                    for call in message["tool_calls"] or []:
                        found.update(verbs_of(_command(json.loads(call["function"]["arguments"]))))
    return found


def _command(arguments: Any) -> str:
    value = arguments.get("command") if isinstance(arguments, dict) else None
    return value if isinstance(value, str) else ""


def generated_counts(text: str | None, valid: set[str]) -> dict[str, int]:
    """What a turn that the model wrote counts as: `generated_turns`, `wellformed_turns`, `generated_verbs`, `valid_verbs`."""
    if text is None:
        return {}
    bodies = _CALL.findall(text)
    is_wellformed = text.count("<tool_call>") == text.count("</tool_call>") == len(bodies)
    verbs: list[str] = []
    for body in bodies:
        try:
            call = json.loads(body)
        except ValueError:
            is_wellformed = False
            continue
        if not (isinstance(call, dict) and isinstance(call.get("name"), str) and isinstance(call.get("arguments"), dict)):
            is_wellformed = False
            continue
        verbs += verbs_of(_command(call["arguments"]))
    return {
        "generated_turns": 1,
        "wellformed_turns": int(is_wellformed),
        "generated_verbs": len(verbs),
        "valid_verbs": sum(verb in valid for verb in verbs),
    }


def as_evaluation(line: Mapping[str, Any], snapshot_id: str, valid: set[str]) -> Evaluation:
    """One line of the program as a row of `train.evaluations`."""
    return Evaluation(
        subject=line["subject"],
        snapshot_id=snapshot_id,
        split=line["split"],
        scope=line["scope"],
        startup=line["startup"] if line["scope"] == "overlay" else None,
        role=line["role"],
        example_key=line["example_key"],
        episode_key=line["episode_key"],
        group_key=line["group_key"],
        target_tokens=line["target_tokens"],
        loss=line["loss"],
        correct_tokens=line["correct_tokens"],
        **generated_counts(line["generated"], valid),
    )


def evaluate(
    lake: Path, resolved: Resolved, size: EvaluationSize, challenger: Adapter, folder: Path, cache: Path
) -> list[Evaluation]:
    """Evaluate the challenger and its opponents, write `train.evaluations`, and return the rows that are new.

    `folder`: the run's, which holds `config.yaml` and keeps job, output and log. A subject that was evaluated on this snapshot's
    rows before is not evaluated again; an opponent whose files are not here is left out (then the decision lacks it).
    """
    files = evaluated_files(resolved.data)
    if not files:
        return []
    registry = Registry.read(lake)
    subjects: dict[str, str | None] = {challenger.adapter_id: challenger.local_path}
    for subject in opponents_of(registry, challenger).values():
        adapter = registry.adapters.get(subject)
        if adapter is None:
            subjects[subject] = None
        elif adapter.local_path is not None and (lake / adapter.local_path).is_dir():
            subjects[subject] = str(lake / adapter.local_path)
    missing = _not_yet_evaluated(lake, resolved, subjects, files)
    if not missing:
        return []
    job = {
        "config": str(folder / "config.yaml"),
        "subjects": missing,
        "files": [str(file) for file in files],
        "maximum_rows": size.maximum_rows,
        "generated_turns": size.generated_turns,
        "generated_tokens": size.generated_tokens,
    }
    job_file, out = folder / "evaluate.json", folder / "evaluate.jsonl"
    job_file.write_text(json.dumps(job, indent=1), encoding="utf-8")
    command = [str(train_python()), str(PROGRAMS / "evaluate_rows.py"), str(job_file), str(out)]
    run_logged(command, folder=folder, log=folder / "evaluate.log", cache=cache)
    valid = learned_verbs([resolved.data.train_file, *files])
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    rows = [as_evaluation(line, resolved.data.manifest.id, valid) for line in lines]
    write_evaluations(lake, rows)
    return rows


def _not_yet_evaluated(lake: Path, resolved: Resolved, subjects: dict[str, str | None], files: list[Path]) -> dict[str, str | None]:
    """The subjects that lack a row of some file."""
    snapshot_id, target = resolved.data.manifest.id, resolved.data.target
    known: dict[str, set[tuple[str, str | None, str]]] = {}
    for row in read_evaluations(lake, set(subjects)):
        if (row.snapshot_id, row.role) == (snapshot_id, target.role):
            known.setdefault(row.subject, set()).add((row.scope, row.startup, row.split))
    wanted = set()
    for file in files:
        part = next(each.part for each in resolved.data.manifest.files if resolved.data.folder / each.path == file)
        wanted.add((part.scope, part.startup, part.split))
    return {subject: folder for subject, folder in subjects.items() if not wanted <= known.get(subject, set())}
