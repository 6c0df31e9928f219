"""How Axolotl is told to read a snapshot's file, and how what it made of it is read back."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

IGNORED = -100
"""The label of a token that is not learned."""


def sft_entry(file: Path) -> dict[str, Any]:
    """The entry of Axolotl's `datasets` for one SFT file of a snapshot.

    `split: train` is the only split a single local file has; it says nothing about what the rows are for.
    """
    return {
        "path": str(file),
        "ds_type": "parquet",
        "split": "train",
        "type": "chat_template",
        "field_messages": "messages",
        "message_field_training": "train",
        "message_field_training_detail": "train_detail",
    }


@dataclass(frozen=True)
class Prepared:
    """One row that Axolotl prepared: token ids, and for each whether it is learned."""

    ids: list[int]
    is_learned: list[bool]


def _batches(folder: Path) -> Iterator[pa.RecordBatch]:
    for file in sorted(folder.glob("*.arrow")):
        with pa.memory_map(str(file)) as source:
            yield from pa.ipc.open_stream(source)


def read_prepared(folder: Path) -> Iterator[Prepared]:
    """The rows of one prepared dataset (a folder below `dataset_prepared_path`), in its order."""
    for batch in _batches(folder):
        for ids, labels in zip(batch["input_ids"].to_pylist(), batch["labels"].to_pylist(), strict=True):
            yield Prepared(ids, [label != IGNORED for label in labels])
