"""`forge snapshot create` on releases made by hand: what becomes a row, and that the id depends on nothing else."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from bench.snapshot_lake import EXAMPLES, PAIR_TEXTS, PAIRS, ROWS, SELECTION, publish_tables
from lake.build_kill_points import ENVIRONMENT, SNAPSHOT_POINTS
from lake.exit_codes import ExitCode
from lake.locks import LockHeldError, lock
from lake.snapshot_create import Created, Order, create_snapshot
from lake.snapshot_layout import snapshots_path
from lake.snapshot_rows import SnapshotRowError, read_rows
from lake.snapshot_source import Wanted
from lake.snapshot_tables import MEMBERS, SNAPSHOTS
from lake.snapshot_verify import verify
from lake.snapshot_write import NothingToExportError
from lake.tell import Told

MESSAGES = (
    '[{"role":"user","content":"Task %s"},{"role":"assistant","content":"Done.","tool_calls":null,"train":true,"train_detail":[]}]'
)


def example(number: int, **given: Any) -> dict[str, Any]:
    row = {"example_key": f"x{number}", "episode_key": f"ep{number}", "is_subagent": False, "is_session_start": number == 1}
    row |= {"token_count": 100 * number, "target_token_count": 10, "messages": MESSAGES % number, "tools": None}
    return row | {"tokenizer_hash": "t" * 64, "max_tokens": 4096} | given


def placed(number: int, **given: Any) -> dict[str, Any]:
    row = {"example_key": f"x{number}", "scope": "base", "startup": "alpha", "role_family": "polecat", "split": "train"}
    row |= {"group_key": f"g{number}", "episode_key": f"ep{number}", "town_id": "town", "outcome": "merged"}
    return row | {"token_count": 100 * number, "copy_count": 1, "excluded_reason": None} | given


def pair() -> dict[str, Any]:
    row = {"pair_key": "p1", "scope": "base", "startup": "alpha", "role_family": "polecat", "split": "train", "group_key": "g1"}
    return row | {
        "chosen_episode_key": "ep1",
        "rejected_episode_key": "ep9",
        "town_id": "town",
        "reason": "merged against rejected",
    }


def tables(rows: list[dict[str, Any]] | None = None, examples: list[dict[str, Any]] | None = None) -> dict[str, pa.Table]:
    """A small release: five examples, one of them in an overlay too, one left out; one pair; a selection."""
    chosen = rows or [
        *(placed(number) for number in (1, 2)),
        placed(3, split="eval"),
        placed(4, role_family="mayor", startup="beta/hq"),
        placed(5, excluded_reason="town_drift"),
        placed(1, scope="overlay", copy_count=3),
        placed(4, role_family="mayor", startup="beta/hq", scope="overlay"),
    ]
    selected = [{"episode_key": f"ep{number}", "role_family": "polecat", "is_kept": True} for number in range(1, 6)]
    left = {
        "role_family": "polecat",
        "is_kept": False,
        "excluded_stage": "consent",
        "excluded_reason": "no_consent",
        "excluded_detail": "gamma",
    }
    texts = {"pair_key": "p1", "prompt": '[{"role":"user","content":"Task 1"}]', "chosen": '{"role":"assistant","content":"a"}'}
    return {
        "fct_examples": pa.Table.from_pylist(examples or [example(number) for number in range(1, 7)], schema=EXAMPLES),
        "snapshot_rows": pa.Table.from_pylist(chosen, schema=ROWS),
        "snapshot_pairs": pa.Table.from_pylist([pair()], schema=PAIRS),
        "fct_preference_pairs": pa.Table.from_pylist(
            [texts | {"rejected": '[{"role":"assistant","content":"b"}]'}], schema=PAIR_TEXTS
        ),
        "fct_selection": pa.Table.from_pylist([*selected, left | {"episode_key": "ep0"}], schema=SELECTION),
    }


def files(created: Created) -> dict[str, list[str]]:
    """Path without `data/` and suffix → keys of its rows, a copy with its number."""
    found = {}
    for file in created.manifest.files:
        rows = read_rows(created.folder / file.path)
        keys = [row["example_key"] + (f"+{row['copy']}" if row["copy"] else "") for row in rows]
        found[file.part.path.removeprefix("data/")] = keys
    return found


def test_each_row_goes_where_the_release_says(lake: Path) -> None:
    publish_tables(lake, tables())
    created = create_snapshot(lake, Order("pool", Wanted(formats=("sft", "preference"))))
    found = files(created)
    (beta,) = [path for path in found if "beta" in path]
    assert found == {
        "base/polecat/sft/train": ["x1", "x2"],
        "base/polecat/sft/eval": ["x3"],
        "base/mayor/sft/train": ["x4"],
        "overlay/alpha/polecat/sft/train": ["x1", "x1+1", "x1+2"],
        beta: ["x4"],
        "base/polecat/preference/train": ["p1"],
    }
    (row,) = [row for row in read_rows(created.folder / "data/base/polecat/sft/train.parquet") if row["example_key"] == "x2"]
    assert row["messages"][1]["content"] == "Done."
    assert (row["startup"], row["outcome"], row["token_count"], row["tools"]) == ("alpha", "merged", 200, None)
    (preferred,) = read_rows(created.folder / "data/base/polecat/preference/train.parquet")
    assert [said["content"] for said in preferred["chosen"] + preferred["rejected"]] == ["a", "b"]
    assert preferred["prompt"][0]["content"] == "Task 1"


def test_the_manifest_counts_what_is_in_and_what_is_out(lake: Path) -> None:
    release = publish_tables(lake, tables())
    manifest = create_snapshot(lake, Order("pool")).manifest
    counts = manifest.counts
    assert manifest.rows == sum(file.rows for file in manifest.files) == 8
    assert counts["episodes"] == {"kept": 5, "no_consent": 1}
    assert counts["left_out"] == {"base: town_drift": 1}
    assert (counts["examples"], counts["groups"], counts["towns"]) == (4, 4, 1)
    assert counts["roles"] == {"polecat": 3, "mayor": 1}
    assert counts["tokens"] == [[0, 2], [256, 2]]
    assert manifest.release["release_id"] == release.release_id
    assert manifest.tokenizer == {"hash": "t" * 64, "max_tokens": 4096}


def test_what_is_left_out_is_listed_with_its_reason(lake: Path) -> None:
    publish_tables(lake, tables())
    created = create_snapshot(lake, Order("pool"))
    rows = duckdb.sql(
        f"select episode_key, example_key, scope, stage, reason, detail from '{created.folder}/excluded.parquet'"
    ).fetchall()
    assert sorted(rows) == [
        ("ep0", None, None, "consent", "no_consent", "gamma"),
        ("ep5", "x5", "base", "drift", "town_drift", None),
    ]


def test_members_are_recorded_once_per_example_and_scope(lake: Path) -> None:
    publish_tables(lake, tables())
    created = create_snapshot(lake, Order("pool", Wanted(formats=("sft", "preference"))))
    members = sorted((row["example_key"], row["scope"], row["split"], row["episode_key"]) for row in MEMBERS.rows(lake))
    assert members == [
        ("p1", "base", "train", "ep1"),
        ("p1", "base", "train", "ep9"),
        ("x1", "base", "train", "ep1"),
        ("x1", "overlay", "train", "ep1"),
        ("x2", "base", "train", "ep2"),
        ("x3", "base", "eval", "ep3"),
        ("x4", "base", "train", "ep4"),
        ("x4", "overlay", "train", "ep4"),
    ]
    assert {row["snapshot_id"] for row in MEMBERS.rows(lake)} == {created.manifest.id}


def test_the_same_inputs_are_found_and_not_cut_again(lake: Path) -> None:
    publish_tables(lake, tables())
    first = create_snapshot(lake, Order("pool"))
    before = (first.folder / "manifest.json").read_bytes()
    again = create_snapshot(lake, Order("pool"))
    assert (first.is_new, again.is_new, again.manifest.id) == (True, False, first.manifest.id)
    assert (again.folder / "manifest.json").read_bytes() == before
    assert len(list(SNAPSHOTS.rows(lake))) == 1


def test_another_release_with_the_same_rows_is_the_same_snapshot(lake: Path) -> None:
    publish_tables(lake, tables())
    first = create_snapshot(lake, Order("pool"))
    publish_tables(lake, tables())
    again = create_snapshot(lake, Order("pool"))
    assert (again.manifest.id, again.is_new) == (first.manifest.id, False)
    assert len(list(MEMBERS.rows(lake))) == 6
    # Known by both inputs from now on: found without cutting.
    assert {row["inputs_hash"] for row in SNAPSHOTS.rows(lake)} >= {first.manifest.inputs_hash}
    assert len(list(SNAPSHOTS.rows(lake))) == 2
    create_snapshot(lake, Order("pool"))
    assert len(list(SNAPSHOTS.rows(lake))) == 2


def test_the_id_depends_on_the_rows_alone(tmp_path: Path) -> None:
    ids = {}
    for name, rows in {
        "one": tables(),
        "same, in another order": {name: table.take(list(range(len(table)))[::-1]) for name, table in tables().items()},
        "another split": tables([placed(1), placed(2, split="test"), placed(3, split="eval")]),
        "another startup": tables([placed(1), placed(2, startup="gamma"), placed(3, split="eval")]),
        "another text": tables(examples=[example(number, messages=MESSAGES % "y") for number in range(1, 7)]),
    }.items():
        publish_tables(tmp_path / name, rows)
        ids[name] = create_snapshot(tmp_path / name, Order("first" if name == "one" else "second")).manifest.id
    assert ids.pop("one") == ids.pop("same, in another order")
    assert len(set(ids.values())) == len(ids)


def test_only_what_is_asked_for_is_in(lake: Path) -> None:
    publish_tables(lake, tables())
    mayors = create_snapshot(lake, Order("mayors", Wanted(roles=("mayor",))))
    assert all("mayor" in path for path in files(mayors))
    alpha = create_snapshot(lake, Order("alpha", Wanted(startups=("alpha",))))
    assert list(files(alpha)) == ["overlay/alpha/polecat/sft/train"]
    with pytest.raises(NothingToExportError):
        create_snapshot(lake, Order("nobody", Wanted(roles=("witness",))))
    assert sorted(path.name for path in snapshots_path(lake).iterdir()) == ["alpha", "mayors"]


def test_a_field_the_files_cannot_hold_is_an_error_and_never_lost(lake: Path) -> None:
    odd = [example(number, messages='[{"role":"user","content":"a","weight":1}]') for number in range(1, 7)]
    publish_tables(lake, tables(examples=odd))
    with pytest.raises(SnapshotRowError, match=r"example x4 does not fit the files: they have no field messages\.weight"):
        create_snapshot(lake, Order("pool"))
    assert list(MEMBERS.rows(lake)) == []


@pytest.mark.parametrize("name", ["", "A", "../x", "a/b", ".hidden", "x" * 65])
def test_names_that_are_no_folders_are_refused(lake: Path, name: str) -> None:
    with pytest.raises(Told) as told:
        create_snapshot(lake, Order(name))
    assert told.value.exit_code is ExitCode.USAGE


def test_no_snapshot_is_cut_while_a_build_runs(lake: Path) -> None:
    publish_tables(lake, tables())
    with lock(lake, "build"), pytest.raises(LockHeldError):
        create_snapshot(lake, Order("pool"))


@pytest.mark.slow
@pytest.mark.parametrize("point", SNAPSHOT_POINTS)
def test_killed_anywhere_the_same_command_ends_as_if_nothing_had_been(lake: Path, tmp_path: Path, point: str) -> None:
    publish_tables(lake, tables())
    publish_tables(tmp_path / "undisturbed", tables())
    expected = create_snapshot(tmp_path / "undisturbed", Order("pool")).manifest.id
    command = [sys.executable, "-m", "forge", "--lake", str(lake), "snapshot", "create", "pool"]
    killed = subprocess.run(command, env={**os.environ, ENVIRONMENT: point}, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr
    done = create_snapshot(lake, Order("pool"))
    assert done.manifest.id == expected
    assert verify(done.folder).is_whole
    assert [row["event"] for row in SNAPSHOTS.rows(lake)] == ["created"]
    assert len(list(MEMBERS.rows(lake))) == 6
    assert sorted(path.name for path in snapshots_path(lake).iterdir()) == ["pool"]
