"""A lake with releases that hold nothing but what `forge snapshot` reads: any number of examples, without towns or models.

Columns are those of the models. Texts are drawn from a pool of random words, so that they compress as texts do.
"""

import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from lake.location import model_path
from lake.release_description import description_path
from lake.releases import Release, content_id, releases, write_release
from lake.tables import properties

_text, _number, _flag = pa.string(), pa.int64(), pa.bool_()
EXAMPLES = pa.schema(
    [
        ("example_key", _text),
        ("episode_key", _text),
        ("is_subagent", _flag),
        ("is_session_start", _flag),
        ("token_count", _number),
        ("target_token_count", _number),
        ("messages", _text),
        ("tools", _text),
        ("tokenizer_hash", _text),
        ("max_tokens", _number),
    ]
)
ROWS = pa.schema(
    [
        ("example_key", _text),
        ("scope", _text),
        ("startup", _text),
        ("role_family", _text),
        ("split", _text),
        ("group_key", _text),
        ("episode_key", _text),
        ("town_id", _text),
        ("outcome", _text),
        ("token_count", _number),
        ("copy_count", _number),
        ("excluded_reason", _text),
    ]
)
PAIRS = pa.schema(
    [
        ("pair_key", _text),
        ("scope", _text),
        ("startup", _text),
        ("role_family", _text),
        ("split", _text),
        ("group_key", _text),
        ("chosen_episode_key", _text),
        ("rejected_episode_key", _text),
        ("town_id", _text),
        ("reason", _text),
        ("excluded_reason", _text),
    ]
)
PAIR_TEXTS = pa.schema([("pair_key", _text), ("prompt", _text), ("chosen", _text), ("rejected", _text)])
SELECTION = pa.schema(
    [
        ("episode_key", _text),
        ("role_family", _text),
        ("is_kept", _flag),
        ("excluded_stage", _text),
        ("excluded_reason", _text),
        ("excluded_detail", _text),
    ]
)
SCHEMAS = {
    "fct_examples": EXAMPLES,
    "snapshot_rows": ROWS,
    "snapshot_pairs": PAIRS,
    "fct_preference_pairs": PAIR_TEXTS,
    "fct_selection": SELECTION,
}
_SQL_TYPES = {_text: "VARCHAR", _number: "BIGINT", _flag: "BOOLEAN"}


def publish_tables(lake: Path, tables: Mapping[str, pa.Table | pa.RecordBatchReader]) -> Release:
    """Write these tables (of `SCHEMAS`; those not given are empty or stay as they are) and a release that names them."""
    known = releases(lake)
    versions = {}
    for name, schema in SCHEMAS.items():
        path = str(model_path(lake, name))
        if name in tables or not DeltaTable.is_deltatable(path):
            data = tables.get(name, schema.empty_table())
            write_deltalake(path, data, mode="overwrite", configuration=properties(schema.names[:1]))
        versions[name] = DeltaTable(path).version()
    release = Release(
        release_id=content_id(1, "code", "policies", "seeds", {}, versions, "1"),
        sequence=len(known) + 1,
        created_at=datetime.now(UTC),
        as_of=datetime(2026, 4, 25, 2, tzinfo=UTC),
        load_seq=1,
        code_hash="code",
        policies_hash="policies",
        seeds_hash="seeds",
        raw={},
        models=versions,
        project_version="1",
        is_full=True,
        is_audited=True,
    )
    relations = [
        {
            "schema": "main",
            "name": name,
            "kind": "delta",
            "description": "One row per key.",
            "columns": [{"name": field.name, "type": _SQL_TYPES[field.type], "description": ""} for field in schema],
            "depends_on": [],
            "path": f"models/{name}",
            "version": versions[name],
        }
        for name, schema in SCHEMAS.items()
    ]
    described = description_path(lake, release.release_id)
    described.parent.mkdir(parents=True, exist_ok=True)
    described.write_text(json.dumps({"release_id": release.release_id, "as_of": None, "relations": relations}))
    write_release(lake, release)
    return release


def key(*of: object) -> str:
    """A key as models make them: 32 hex characters."""
    return hashlib.md5(repr(of).encode(), usedforsecurity=False).hexdigest()


class Texts:
    """Random texts of words that come again, from a seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        letters = "abcdefghijklmnopqrstuvwxyz_."
        words = ["".join(self.dice.choices(letters, k=self.dice.randint(2, 9))) for _ in range(8_000)]
        self.pool = [" ".join(self.dice.choices(words, k=self.dice.randint(5, 120))) for _ in range(30_000)]

    def one(self) -> str:
        """Some 400 characters."""
        return self.dice.choice(self.pool)

    def messages(self, turns: int) -> str:
        """A conversation of so many calls, as JSON text: about 900 bytes a turn."""
        said: list[dict[str, object]] = [{"role": "system", "content": self.pool[0]}, {"role": "user", "content": self.one()}]
        for turn in range(turns):
            arguments = orjson.dumps({"command": self.one()[:80]}).decode()
            call = {"id": f"call-{turn}", "type": "function", "function": {"name": "Bash", "arguments": arguments}}
            said.append({"role": "assistant", "content": self.one()[:200], "tool_calls": [call], "train": turn % 5 != 0})
            said.append({"role": "tool", "content": self.one(), "tool_call_id": f"call-{turn}", "name": "Bash"})
        return orjson.dumps(said).decode()


ROLES = ("polecat", "polecat", "polecat", "crew", "refinery", "witness", "mayor", "deacon")
SPLITS = ("train",) * 17 + ("eval", "test", "temporal_eval")


def example_batches(count: int, seed: int = 7) -> Iterator[pa.RecordBatch]:
    """Examples, a thousand at a time."""
    texts = Texts(seed)
    for first in range(0, count, 1_000):
        rows = []
        for number in range(first, min(first + 1_000, count)):
            messages = texts.messages(texts.dice.randint(3, 21))
            tokens = len(messages) // 4
            rows.append(
                {
                    "example_key": key("example", number),
                    "episode_key": key("episode", number // 2),
                    "is_subagent": number % 7 == 0,
                    "is_session_start": number % 5 == 0,
                    "token_count": tokens,
                    "target_token_count": tokens // 4,
                    "messages": messages,
                    "tools": '[{"type":"function","function":{"name":"Bash","parameters":{"type":"object"}}}]',
                    "tokenizer_hash": "0" * 64,
                    "max_tokens": 8192,
                }
            )
        yield pa.RecordBatch.from_pylist(rows, schema=EXAMPLES)


def row_table(count: int, startups: int = 20, overlay_share: int = 4) -> pa.Table:
    """Rows for the examples: all in the base, every `overlay_share`-th in its startup's overlay too."""
    rows = []
    for number in range(count):
        episode = number // 2
        row = {
            "example_key": key("example", number),
            "scope": "base",
            "startup": f"startup-{episode % startups}",
            "role_family": ROLES[episode % len(ROLES)],
            "split": SPLITS[episode % len(SPLITS)],
            "group_key": key("group", episode),
            "episode_key": key("episode", episode),
            "town_id": key("town", episode % 3),
            "outcome": ("merged", "closed", "patrol_complete")[episode % 3],
            "token_count": 1_000,
            "copy_count": 2 if episode % len(SPLITS) < 17 and number % 40 == 0 else 1,
            "excluded_reason": "town_drift" if number % 50 == 49 else None,
        }
        rows.append(row)
        if number % overlay_share == 0:
            rows.append(row | {"scope": "overlay"})
    return pa.Table.from_pylist(rows, schema=ROWS)


def example_lake(lake: Path, count: int) -> Release:
    """A lake with one release of `count` examples, made in a minute per 100,000."""
    reader = pa.RecordBatchReader.from_batches(EXAMPLES, example_batches(count))
    return publish_tables(lake, {"fct_examples": reader, "snapshot_rows": row_table(count)})
