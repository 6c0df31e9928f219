"""How well models and adapters did on evaluation rows: `train.evaluations`, one row per (subject, snapshot, example)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from lake.record_table import RecordTable

_text, _number, _time, _real = pa.string(), pa.int64(), pa.timestamp("us", "UTC"), pa.float64()

EVALUATIONS = RecordTable(
    "train/evaluations",
    "One row per subject, snapshot and evaluated example; the newest row holds.",
    {
        "evaluated_at": (_time, "When (UTC)."),
        "subject": (_text, "An adapter's id, or `model:<name>` for the model without an adapter."),
        "snapshot_id": (_text, "The snapshot whose rows were evaluated."),
        "split": (_text, "eval, temporal_eval or test."),
        "scope": (_text, "base or overlay: whose evaluation set the row belongs to."),
        "startup": (_text, "Of an overlay's evaluation set: its startup."),
        "role": (_text, "The trained role."),
        "example_key": (_text, "The example."),
        "episode_key": (_text, "Its episode."),
        "group_key": (_text, "Its group."),
        "target_tokens": (_number, "Tokens that count: those of the assistant's turns that are trained on."),
        "loss": (_real, "Sum of the negative log likelihood of these tokens (nats)."),
        "correct_tokens": (_number, "How many of them were the model's first choice, given what stood before."),
        "generated_turns": (_number, "Turns the model was let write by itself."),
        "wellformed_turns": (_number, "Those whose tool calls, if any, could be parsed."),
        "generated_verbs": (_number, "gt and bd verbs in them."),
        "valid_verbs": (_number, "Those that ever succeeded in the lake."),
    },
    ("evaluated_at", "subject", "snapshot_id", "example_key", "group_key"),
)


@dataclass(frozen=True)
class Evaluation:
    """One row of `train.evaluations` without its time. Columns mean what the table says."""

    subject: str
    snapshot_id: str
    split: str
    scope: str
    startup: str | None
    role: str
    example_key: str
    episode_key: str
    group_key: str
    target_tokens: int
    loss: float
    correct_tokens: int
    generated_turns: int = 0
    wellformed_turns: int = 0
    generated_verbs: int = 0
    valid_verbs: int = 0


def write_evaluations(lake: Path, rows: Sequence[Evaluation]) -> None:
    """Append the rows of one evaluation as one commit."""
    now = datetime.now(UTC)
    EVALUATIONS.append(lake, [{"evaluated_at": now, **asdict(row)} for row in rows])


def read_evaluations(lake: Path, subjects: set[str]) -> list[Evaluation]:
    """What is known of these subjects: per subject, snapshot, scope and example the newest row."""
    names = [field.name for field in fields(Evaluation)]
    newest = {}
    for row in sorted((row for row in EVALUATIONS.rows(lake) if row["subject"] in subjects), key=lambda row: row["evaluated_at"]):
        newest[row["subject"], row["snapshot_id"], row["scope"], row["example_key"]] = row
    return [Evaluation(**{name: row[name] for name in names}) for row in newest.values()]
