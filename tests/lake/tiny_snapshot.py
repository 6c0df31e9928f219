"""Snapshots made by hand, without a lake: for tests of whatever reads a snapshot's folder."""

import json
from pathlib import Path
from typing import Any

from lake.snapshot_layout import Format, Part
from lake.snapshot_manifest import Manifest
from lake.snapshot_write import write_snapshot

PROVENANCE: dict[str, Any] = {
    "release": {"release_id": "0" * 16, "sequence": 1, "as_of": "2026-04-25T02:00:53+00:00"},
    "inputs": {"roles": None, "startups": None, "formats": ["sft"]},
    "inputs_hash": "0" * 64,
    "tokenizer": {"hash": "0" * 64, "max_tokens": 4096},
    "counts": {},
}


def call(name: str, arguments: dict[str, Any], call_id: str = "c1") -> dict[str, Any]:
    """One tool call of an assistant's message."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


def messages(task: str = "Fix the parser.") -> list[dict[str, Any]]:
    """A short conversation that has every kind of field: a failed call that is not learned from, a masked span, thinking."""
    return [
        {"role": "system", "content": "You are a polecat."},
        {"role": "user", "content": task},
        {"role": "assistant", "content": "", "tool_calls": [call("Read", {"path": "gone.py"})], "train": False},
        {"role": "tool", "content": "No such file", "tool_call_id": "c1", "name": "Read"},
        {
            "role": "assistant",
            "content": "I look for it.",
            "reasoning_content": "It was moved.",
            "tool_calls": [call("Bash", {"command": "ls"}, "c2")],
            "train": True,
        },
        {"role": "tool", "content": "parser.py", "tool_call_id": "c2", "name": "Bash"},
        {
            "role": "assistant",
            "content": "Ask mail-1f2e@example.invalid about it.",
            "train": True,
            "train_detail": [
                {"begin_offset": 0, "end_offset": 3, "train": True},
                {"begin_offset": 4, "end_offset": 28, "train": False},
                {"begin_offset": 29, "end_offset": 38, "train": True},
            ],
        },
    ]


def sft_row(example_key: str, **given: Any) -> dict[str, Any]:
    """One row of an SFT file; `given` replaces columns."""
    row = {
        "example_key": example_key,
        "group_key": f"group-{example_key}",
        "episode_key": f"episode-{example_key}",
        "town_id": "town-1",
        "startup": "alpha",
        "role": "polecat",
        "scope": "base",
        "split": "train",
        "copy": 0,
        "is_subagent": False,
        "is_session_start": True,
        "token_count": 120,
        "target_token_count": 40,
        "messages": messages(f"Fix parser {example_key}."),
        "tools": json.dumps([{"type": "function", "function": {"name": "Bash", "description": "Run.", "parameters": {}}}]),
        "outcome": "merged",
    }
    return row | given


def preference_row(example_key: str, **given: Any) -> dict[str, Any]:
    """One row of a preference file."""
    said = messages()
    row = {name: value for name, value in sft_row(example_key).items() if name in ("copy", "scope", "split", "role", "startup")}
    row |= {
        "example_key": example_key,
        "group_key": f"group-{example_key}",
        "episode_key": f"episode-{example_key}",
        "town_id": "town-1",
        "rejected_episode_key": f"episode-{example_key}-worse",
        "prompt": said[:2],
        "chosen": [{"role": "assistant", "content": "Moved it."}],
        "rejected": [{"role": "assistant", "content": "Deleted it."}],
        "reason": "merged against rejected",
    }
    return row | given


def make_snapshot(folder: Path, rows: list[dict[str, Any]] | None = None, name: str = "tiny") -> Manifest:
    """Write a complete snapshot into `folder`: `rows`, or eight rows of two roles in four splits and one startup's overlay."""
    if rows is None:
        rows = [sft_row(f"e{number}") for number in range(4)]
        rows += [sft_row("e5", split="eval"), sft_row("e6", split="test"), sft_row("e7", split="temporal_eval")]
        rows += [
            sft_row("e8", role="mayor", tools=None),
            sft_row("e0", scope="overlay"),
            sft_row("e5", scope="overlay", split="eval"),
        ]
        rows += [preference_row("p1")]
    parts: dict[Part, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: (row["example_key"], row["copy"])):
        form: Format = "preference" if "chosen" in row else "sft"
        startup = row["startup"] if row["scope"] == "overlay" else None
        parts.setdefault(Part(row["scope"], startup, row["role"], form, row["split"]), []).append(row)
    return write_snapshot(folder, name, parts.items(), provenance=PROVENANCE)
