"""Small snapshots by hand, in the layout of real ones, for tests that need no lake."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from lake.snapshot_layout import SFT, Part, snapshot_path
from lake.snapshot_manifest import DataFile, Manifest, checksum, write_manifest
from lake.snapshot_tables import Member
from lake.tokens import DEFAULT, file_hash
from training.masks import learned_tokens

VERBS = ("gt sling", "gt done", "bd close", "gt mail send", "bd ready", "gt prime")


def conversation(number: int, startup: str) -> list[dict[str, Any]]:
    """A short session of a mayor: a request, a call, its result, an answer."""
    verb = VERBS[number % len(VERBS)]
    call = {
        "id": f"c{number}",
        "type": "function",
        "function": {"name": "Bash", "arguments": json.dumps({"command": f"{verb} {number}"})},
    }
    return [
        {"role": "system", "content": f"You are the mayor of {startup}."},
        {"role": "user", "content": f"Please see to bead {startup[:2]}-{number}."},
        {"role": "assistant", "content": "I will.", "tool_calls": [call], "train": True},
        {"role": "tool", "tool_call_id": f"c{number}", "name": "Bash", "content": "ok"},
        {"role": "assistant", "content": f"Bead {startup[:2]}-{number} is seen to.", "train": True},
    ]


def sft_rows(part: Part, numbers: range, startup: str) -> list[dict[str, Any]]:
    """Rows of one SFT file."""
    tokenizer = Tokenizer.from_file(str(DEFAULT))
    rows = []
    for number in numbers:
        messages = conversation(number, startup)
        tokens = learned_tokens(tokenizer, messages)
        key = f"{startup}-{number}"
        rows.append(
            {
                "example_key": key,
                "group_key": f"g-{key}",
                "episode_key": f"e-{key}",
                "town_id": "town",
                "startup": startup,
                "role": part.role,
                "scope": part.scope,
                "split": part.split,
                "copy": 0,
                "is_subagent": False,
                "is_session_start": True,
                "token_count": len(tokens.ids),
                "target_token_count": tokens.learned_count,
                "messages": messages,
                "outcome": "landed",
                "row_hash": key,
            }
        )
    return rows


def write_snapshot(
    lake: Path,
    parts: Mapping[Part, list[dict[str, Any]]],
    *,
    name: str = "autumn",
    snapshot_id: str = "5" * 64,
    tokenizer: str = "",
) -> Path:
    """A snapshot's folder with these files; `tokenizer`: another hash than that of the tree's own."""
    folder = snapshot_path(lake, name, snapshot_id)
    files = []
    for part, rows in parts.items():
        path = folder / f"{part.path}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=SFT), path)
        files.append(
            DataFile(
                path=f"{part.path}.parquet",
                part=part,
                rows=len(rows),
                examples=len(rows),
                token_count=sum(row["token_count"] for row in rows),
                target_token_count=sum(row["target_token_count"] for row in rows),
                bytes=path.stat().st_size,
                sha256=checksum(path),
            )
        )
    manifest = Manifest(
        name=name,
        id=snapshot_id,
        created_at="2026-03-01T00:00:00+00:00",
        rows=sum(file.rows for file in files),
        release={},
        inputs={},
        inputs_hash="0" * 64,
        tokenizer={"hash": tokenizer or file_hash(DEFAULT), "max_tokens": {"mayor": 8192}},
        schema={},
        counts={},
        files=tuple(files),
        others=(),
    )
    write_manifest(folder, manifest)
    return folder


def mayor_snapshot(lake: Path, *, train: int = 12, evaluated: int = 8, tokenizer: str = "") -> Path:
    """A snapshot with a mayor's base of two startups and an overlay of sfgastown."""
    base_train, base_eval = (Part("base", None, "mayor", "sft", split) for split in ("train", "eval"))
    own_train, own_eval = (Part("overlay", "sfgastown", "mayor", "sft", split) for split in ("train", "eval"))
    parts = {
        base_train: sft_rows(base_train, range(train), "laneworks"),
        base_eval: sft_rows(base_eval, range(100, 100 + evaluated), "laneworks"),
        own_train: sft_rows(own_train, range(train), "sfgastown"),
        own_eval: sft_rows(own_eval, range(100, 100 + evaluated), "sfgastown"),
    }
    return write_snapshot(lake, parts, tokenizer=tokenizer)


def read_members(folder: Path) -> list[Member]:
    """The members of a snapshot, as its rows name them."""
    return [
        Member(
            example_key=row["example_key"],
            episode_key=row["episode_key"],
            group_key=row["group_key"],
            split=row["split"],
            scope=row["scope"],
            startup=row["startup"],
            role_family=row["role"],
        )
        for path in sorted(folder.glob("data/**/*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
