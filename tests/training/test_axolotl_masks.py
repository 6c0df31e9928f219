"""Axolotl learns exactly the tokens that an example's `train` flags name, of files as snapshots hold them."""

import json
import subprocess
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer

from lake.snapshot_layout import SFT
from lake.tokens import DEFAULT
from tests.dbt.golden_lake import expected
from tests.training.axolotl_masks import axolotl_masks
from tests.training.mask_examples import EXAMPLES, Example
from training.masks import learned_tokens
from training.train_env import environment

pytestmark = pytest.mark.slow


def golden_examples() -> list[Example]:
    """The examples of the five sessions written by hand, which tests/dbt/test_golden_examples.py holds to what is built."""
    return [Example(example["name"], example["messages"], [], 0) for example in expected().examples]


@pytest.fixture(scope="module")
def sft_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All hand-written examples as a snapshot's SFT file."""
    rows = [
        {"example_key": example.name, "messages": example.messages, "tools": json.dumps(example.tools) if example.tools else None}
        for example in (*EXAMPLES, *golden_examples())
    ]
    path = tmp_path_factory.mktemp("sft") / "train.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=SFT), path)
    return path


def test_axolotls_masks_are_the_train_flags_token_by_token(sft_file: Path, tiny_model: Path, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(DEFAULT))
    prepared = axolotl_masks([sft_file], tiny_model, tmp_path)
    examples = [*EXAMPLES, *golden_examples()]
    assert len(prepared) == len(examples) > len(EXAMPLES)
    for example, found in zip(examples, prepared, strict=True):
        wanted = learned_tokens(tokenizer, example.messages, example.tools)
        assert found.ids == wanted.ids, example.name
        differing = [
            (tokenizer.decode([token], skip_special_tokens=False), axolotls)
            for token, axolotls, ours in zip(wanted.ids, found.is_learned, wanted.is_learned, strict=True)
            if axolotls != ours
        ]
        assert not differing, f"{example.name}: Axolotl differs at {differing}"


def test_datasets_and_duckdb_read_the_same_file(sft_file: Path, train_env: Path, tmp_path: Path) -> None:
    program = (
        "import sys, json, datasets\n"
        "rows = datasets.load_dataset('parquet', data_files=sys.argv[1], split='train', cache_dir=sys.argv[2])\n"
        "print(json.dumps([[message['content'] for message in row['messages']] for row in rows]))"
    )
    read = subprocess.run(
        [str(train_env), "-c", program, str(sft_file), str(tmp_path)],
        env=environment(tmp_path / "cache"),
        capture_output=True,
        text=True,
        check=True,
    )
    by_duckdb = duckdb.sql(f"select [message.content for message in messages] from '{sft_file}'").fetchall()
    written = [[message.get("content") for message in example.messages] for example in (*EXAMPLES, *golden_examples())]
    assert json.loads(read.stdout.splitlines()[-1]) == written
    assert [row[0] for row in by_duckdb] == written
