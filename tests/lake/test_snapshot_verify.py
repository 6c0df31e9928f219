"""What a snapshot's id proves, and what erasing rows leaves of the proof."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.snapshot_erase import erase_rows, erasures, examples_of_episodes
from lake.snapshot_layout import LEAVES, SFT
from lake.snapshot_rows import read_rows, row_hash, write_jsonl
from lake.snapshot_verify import verify
from tests.lake.tiny_snapshot import make_snapshot, messages, sft_row

TRAIN = "data/base/polecat/sft/train.parquet"
Rows = list[dict[str, Any]]


def rewrite(folder: Path, change: Callable[[Rows], Rows], path: str = TRAIN) -> None:
    """Change a data file behind the snapshot's back."""
    rows = change(list(read_rows(folder / path)))
    pq.write_table(pa.Table.from_pylist(rows, schema=SFT), folder / path)


def with_text(rows: Rows, text: str) -> Rows:
    rows[1]["messages"][1]["content"] = text
    return rows


def rehashed(rows: Rows) -> Rows:
    rows = with_text(rows, "other")
    return [row | {"row_hash": row_hash(row)} for row in rows]


def test_a_snapshot_is_what_its_id_says(tmp_path: Path) -> None:
    manifest = make_snapshot(tmp_path)
    result = verify(tmp_path)
    assert (result.rows, result.erased, result.problems) == (manifest.rows, 0, [])
    assert manifest.rows == 11


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda rows: with_text(rows, "other"), "the row e1 is not what it was"),
        (rehashed, "the row e1 is not what it was"),
        (lambda rows: [*rows[:1], *rows[2:]], "the row e1 is missing"),
        (lambda rows: [*rows, sft_row("e9", row_hash="x")], "the row e9 has no leaf"),
        (lambda rows: [*rows, rows[0]], "the row e0 has no leaf, or is there twice"),
        (lambda rows: [row | {"split": "test"} for row in rows], "the row e0 is not what it was"),
    ],
)
def test_every_kind_of_damage_is_found_and_named(tmp_path: Path, change: Callable[[Rows], Rows], problem: str) -> None:
    make_snapshot(tmp_path)
    rewrite(tmp_path, change)
    result = verify(tmp_path)
    assert not result.is_whole
    assert problem in result.problems[0]
    assert TRAIN.removesuffix(".parquet") in result.problems[0]


def test_a_file_that_is_gone_or_broken_is_damage(tmp_path: Path) -> None:
    make_snapshot(tmp_path)
    (tmp_path / TRAIN).write_bytes((tmp_path / TRAIN).read_bytes()[:-100])
    assert "cannot be read further" in verify(tmp_path).problems[0]
    (tmp_path / TRAIN).unlink()
    assert verify(tmp_path).problem_count == 4


def test_other_leaves_have_another_root(tmp_path: Path) -> None:
    make_snapshot(tmp_path)
    rewrite(tmp_path, rehashed)
    leaves = pq.read_table(tmp_path / LEAVES)
    hashes = {row["example_key"]: row["row_hash"] for row in read_rows(tmp_path / TRAIN)}
    forged = [
        leaf | {"row_hash": hashes[leaf["example_key"]] if f"{leaf['part']}.parquet" == TRAIN else leaf["row_hash"]}
        for leaf in leaves.to_pylist()
    ]
    pq.write_table(pa.Table.from_pylist(forged, schema=leaves.schema), tmp_path / LEAVES)
    assert "its root is" in verify(tmp_path).problems[0]


def test_rows_are_proved_as_jsonl_too(tmp_path: Path) -> None:
    make_snapshot(tmp_path)
    for path in tmp_path.rglob("data/**/*.parquet"):
        write_jsonl(read_rows(path), path.with_suffix(".jsonl"))
        path.unlink()
    assert verify(tmp_path).is_whole
    path = tmp_path / TRAIN.replace(".parquet", ".jsonl")
    path.write_bytes(path.read_bytes().replace(b"Fix parser e1", b"Fix parser e2"))
    assert "e1 is not what it was" in verify(tmp_path).problems[0]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.sampled_from(["e0", "e1", "e2", "e5", "e8", "p1", "unknown"])))
def test_whatever_is_erased_the_rest_is_still_proved(tmp_path_factory: pytest.TempPathFactory, keys: set[str]) -> None:
    folder = tmp_path_factory.mktemp("snapshot")
    manifest = make_snapshot(folder)
    erased = erase_rows(folder, keys, "asked for")
    result = verify(folder)
    assert result.problems == []
    assert (result.rows + result.erased, result.erased) == (manifest.rows, erased)
    left = {row["example_key"] for path in folder.rglob("data/**/*.parquet") for row in read_rows(path)}
    assert not left & keys


def test_erased_is_told_from_damaged(tmp_path: Path) -> None:
    make_snapshot(tmp_path)
    assert erase_rows(tmp_path, {"e1"}, "asked for") == 1
    rewrite(tmp_path, lambda rows: rows[1:])
    result = verify(tmp_path)
    assert (result.erased, result.problem_count) == (1, 1)
    assert "the row e0 is missing" in result.problems[0]


def test_an_interrupted_erasure_is_seen_and_completed_by_the_next(tmp_path: Path) -> None:
    make_snapshot(tmp_path)
    before = (tmp_path / TRAIN).read_bytes()
    erase_rows(tmp_path, {"e1"}, "asked for")
    (tmp_path / TRAIN).write_bytes(before)
    assert "was erased but is there" in verify(tmp_path).problems[0]
    assert erase_rows(tmp_path, set(), "") == 0
    assert verify(tmp_path).is_whole
    assert len(erasures(tmp_path).notes) == 1


def test_erasing_again_adds_to_what_was_erased(tmp_path: Path) -> None:
    make_snapshot(tmp_path)
    assert erase_rows(tmp_path, {"e0"}, "one") == 2  # in the base and in an overlay
    assert erase_rows(tmp_path, {"e0", "e2"}, "two") == 1
    assert [(note["reason"], note["rows"]) for note in erasures(tmp_path).notes] == [("one", 2), ("two", 1)]
    assert verify(tmp_path).erased == 3


def test_all_that_was_cut_from_an_episode_is_found(tmp_path: Path) -> None:
    make_snapshot(tmp_path)
    assert examples_of_episodes(tmp_path, {"episode-e0", "episode-p1-worse"}) == {"e0", "p1"}


text = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@settings(max_examples=10, deadline=None)
@given(st.lists(text, min_size=1, max_size=5))
def test_every_text_survives_the_files_with_its_hash(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("texts")
    rows = [
        sft_row(f"e{number:02}", messages=[*messages(said), {"role": "user", "content": said, "name": None}], tools=said)
        for number, said in enumerate(texts)
    ]
    make_snapshot(folder, rows)
    assert verify(folder).problems == []
    back = list(read_rows(folder / TRAIN))
    assert [row["messages"][1]["content"] for row in back] == texts
