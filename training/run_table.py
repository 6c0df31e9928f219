"""What training runs did: `train.runs`, one row per change of a run's state; the newest row of a run holds."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from lake.record_table import RecordTable

_text, _number, _time, _real = pa.string(), pa.int64(), pa.timestamp("us", "UTC"), pa.float64()

STARTED, DONE, FAILED = "started", "done", "failed"

RUNS = RecordTable(
    "train/runs",
    "One row per change of a training run's state; the newest row of a run holds.",
    {
        "recorded_at": (_time, "When (UTC)."),
        "run_id": (_text, "Hash of configuration, snapshot and parent: the same inputs are the same run."),
        "status": (_text, "started, done, failed."),
        "target": (_text, "base/<role> or overlay/<startup>/<role>."),
        "role": (_text, "The trained role."),
        "startup": (_text, "Of an overlay its startup; null for a base."),
        "reason": (_text, "Why it was started, as its caller says."),
        "snapshot_name": (_text, "Name of the snapshot."),
        "snapshot_id": (_text, "Content id of the snapshot."),
        "config_hash": (_text, "Hash of the settings, the chat template and the model's fingerprint."),
        "parent_adapter_id": (_text, "The adapter it goes on from."),
        "base_model": (_text, "The model it adapts."),
        "tokenizer_hash": (_text, "The tokenizer of model and snapshot."),
        "profile": (_text, "The machine, as the recipe names it."),
        "hardware": (_text, "The machine, as the recipe describes it."),
        "versions": (_text, "Versions of Python, torch, Axolotl and the rest (JSON)."),
        "preprocess_seconds": (_real, "Seconds of `axolotl preprocess`."),
        "train_seconds": (_real, "Seconds of `axolotl train`."),
        "evaluate_seconds": (_real, "Seconds of the evaluation."),
        "cost_dollars": (_real, "All seconds times the profile's price."),
        "steps": (_number, "Optimizer steps."),
        "learned_tokens": (_number, "Tokens that were learned from, over all epochs."),
        "train_loss": (_real, "Mean loss of training (nats per token)."),
        "eval_loss": (_real, "Axolotl's loss on the evaluation rows at the end; null without any."),
        "adapter_id": (_text, "The adapter: the first 16 hex digits of the artefact's hash."),
        "artefact_hash": (_text, "SHA-256 over the adapter's files."),
        "failed_step": (_text, "Of a failed run: preprocess, train or evaluate."),
        "failure": (_text, "Of a failed run: why, in a line."),
    },
    ("recorded_at", "run_id", "adapter_id"),
)


def write_run(lake: Path, row: dict[str, Any]) -> None:
    """Append one state of a run."""
    RUNS.append(lake, [{"recorded_at": datetime.now(UTC), **row}])


def read_runs(lake: Path) -> dict[str, dict[str, Any]]:
    """Every run in its present state by its id; the one whose state is oldest first."""
    rows = sorted(RUNS.rows(lake), key=lambda row: row["recorded_at"])
    newest = {row["run_id"]: row for row in rows}
    return dict(sorted(newest.items(), key=lambda item: item[1]["recorded_at"]))
