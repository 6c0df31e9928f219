"""Where a snapshot's files lie and what is in them: the one place that names its folders, files, columns and types.

    <lake>/snapshots/<name>/<id>/
        manifest.json                                       written last: its presence means that the snapshot is complete
        README.md                                           the dataset card
        data/base/<role>/<format>/<split>.parquet           rows for the adapter of a role
        data/overlay/<startup>/<role>/<format>/<split>.parquet   rows for the adapter of a startup and role
        leaves.parquet                                      one row per exported row: its key and its hash
        excluded.parquet                                    one row per episode or example that was left out, with its reason
        erased.json                                         only after an erasure: which rows were taken out

A row's content id is its `row_hash`; the snapshot's id is the Merkle root over them (see `lake.merkle`). A `part` is a data file's
path without its suffix, so that rows keep their place when the files are converted to JSONL.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

SNAPSHOTS = "snapshots"
MANIFEST = "manifest.json"
CARD = "README.md"
LEAVES = "leaves.parquet"
EXCLUDED = "excluded.parquet"
ERASED = "erased.json"

# Counts up when the meaning of the files changes. Part of the manifest, not of the id.
LAYOUT_VERSION = 1

Format = Literal["sft", "preference"]
FORMATS: tuple[Format, ...] = ("sft", "preference")
SCOPES = ("base", "overlay")
SPLITS = ("train", "eval", "test", "temporal_eval")

_text, _number, _flag = pa.string(), pa.int64(), pa.bool_()
TOOL_CALL = pa.struct(
    [
        ("id", _text),
        ("type", _text),
        # `arguments` is JSON text: an object of its own would have another type in every row.
        ("function", pa.struct([("name", _text), ("arguments", _text)])),
    ]
)
SPAN = pa.struct([("begin_offset", _number), ("end_offset", _number), ("train", _flag)])
_SAID = [
    ("role", _text),
    ("content", _text),
    ("reasoning_content", _text),
    ("tool_calls", pa.list_(TOOL_CALL)),
    ("tool_call_id", _text),
    ("name", _text),
]
MESSAGE = pa.struct([*_SAID, ("train", _flag), ("train_detail", pa.list_(SPAN))])
"""One message of an SFT row. What a message does not have is null, and so is `train` of all but assistants."""
SAID = pa.struct(_SAID)
"""One message of a preference row."""

ROW_HASH = "row_hash"
_PLACE = [
    ("example_key", _text),
    ("group_key", _text),
    ("episode_key", _text),
    ("town_id", _text),
    ("startup", _text),
    ("role", _text),
    ("scope", _text),
    ("split", _text),
    # 0; a session start that is over-sampled stands in its file again as 1, 2, ...
    ("copy", _number),
]
SFT = pa.schema(
    [
        *_PLACE,
        ("is_subagent", _flag),
        ("is_session_start", _flag),
        ("token_count", _number),
        ("target_token_count", _number),
        ("messages", pa.list_(MESSAGE)),
        # JSON text of the list of tools that were offered; null where that is not known.
        ("tools", _text),
        ("outcome", _text),
        (ROW_HASH, _text),
    ]
)
PREFERENCE = pa.schema(
    [
        # example_key is the pair's key and episode_key the better attempt's.
        *_PLACE,
        ("rejected_episode_key", _text),
        ("prompt", pa.list_(SAID)),
        ("chosen", pa.list_(SAID)),
        ("rejected", pa.list_(SAID)),
        ("reason", _text),
        (ROW_HASH, _text),
    ]
)
SCHEMAS: dict[Format, pa.Schema] = {"sft": SFT, "preference": PREFERENCE}

LEAF_SCHEMA = pa.schema([("part", _text), ("example_key", _text), ("copy", _number), (ROW_HASH, _text)])
EXCLUDED_SCHEMA = pa.schema(
    [
        ("episode_key", _text),
        # Null where the whole episode was left out, and the scope with it.
        ("example_key", _text),
        ("scope", _text),
        ("role", _text),
        # What put it out: consent, gate, maturity, duplicate, example, cap, split, drift.
        ("stage", _text),
        ("reason", _text),
        ("detail", _text),
    ]
)

_ID = re.compile(r"[0-9a-f]{64}")
_SAFE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Part:
    """One data file: what it is for. `startup` is None in scope base."""

    scope: str
    startup: str | None
    role: str
    format: Format
    split: str

    @property
    def path(self) -> str:
        """Path of the file inside the snapshot, with `/` and without its suffix."""
        owner = ["base"] if self.scope == "base" else ["overlay", path_safe(self.startup or "")]
        return "/".join(["data", *owner, path_safe(self.role), self.format, self.split])


def path_safe(name: str) -> str:
    """A folder's name for a startup or role: the name itself when every file system and URL takes it, else a likeness of it with
    a hash of the real name."""
    if _SAFE.fullmatch(name):
        return name
    likeness = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-_")[:40] or "startup"
    return f"{likeness}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def is_name(name: str) -> bool:
    """Whether a snapshot may be called so: lower-case letters, digits, `_`, `-`, `.`; at most 64 characters; no leading sign."""
    return _NAME.fullmatch(name) is not None and not name.endswith(".lock")


def is_id(text: str) -> bool:
    """Whether a text is a whole snapshot id."""
    return _ID.fullmatch(text) is not None


def snapshots_path(lake: Path) -> Path:
    """The folder of all snapshots of a lake."""
    return lake / SNAPSHOTS


def snapshot_path(lake: Path, name: str, snapshot_id: str) -> Path:
    """The folder of one snapshot."""
    return lake / SNAPSHOTS / name / snapshot_id
