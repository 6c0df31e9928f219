"""`forge snapshot` as it is typed: what it says and how it exits."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.snapshot_lake import publish_tables
from forge import app
from lake.exit_codes import ExitCode
from lake.snapshot_layout import snapshots_path
from lake.snapshot_tables import MEMBERS, PULLS, recorded
from lake.snapshots import erase_episodes
from lake.tell import Told
from tests.lake.test_snapshot_create import placed, tables


@pytest.fixture
def cut(lake: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A lake with the snapshots `pool` and `mayors`; the working folder is empty."""
    publish_tables(lake, tables())
    monkeypatch.setenv("FORGE_LAKE", str(lake))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    said("create", "pool", "--format", "all")
    said("create", "mayors", "--role", "mayor")
    return lake


def said(*arguments: str) -> str:
    """What a verb prints. What it refuses is raised."""
    done = CliRunner().invoke(app, ["snapshot", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_creating_says_what_there_is_and_again_that_nothing_changed(cut: Path) -> None:
    again = said("create", "pool", "--format", "all").splitlines()
    assert again[0].split()[0] == "unchanged"
    assert next(line for line in again if line.startswith("train")).split()[1] == "8"


def test_list_and_show_name_each_snapshot_as_it_can_be_typed(cut: Path) -> None:
    names = [line.split()[0] for line in said("list").splitlines()]
    assert [name.partition("/")[0] for name in names] == ["mayors", "pool"]
    for name in (*names, "pool", names[1].partition("/")[2]):
        assert "state      ok" in said("show", name)
    listed = json.loads(said("list", "--json"))
    shown = json.loads(said("show", "pool", "--json"))
    assert shown["id"] == listed[1]["id"]
    assert shown["manifest"]["counts"]["episodes"] == {"kept": 5, "no_consent": 1}
    assert "1  no_consent" in said("show", "pool")


def test_what_does_not_exist_is_told_with_what_does(cut: Path) -> None:
    for name in ("nothing", "pool/ffff", "f" * 64):
        with pytest.raises(Told, match=r"no snapshot .*; there are mayors/"):
            said("show", name)


def test_a_lake_without_snapshots_says_how_to_make_one(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_LAKE", str(lake))
    assert said("list") == "no snapshots yet: forge snapshot create NAME\n"
    with pytest.raises(Told, match="forge snapshot create NAME"):
        said("show", "pool")


def test_verify_exits_with_one_when_a_row_is_gone(cut: Path) -> None:
    assert said("verify", "pool").split()[0] == "ok"
    (path,) = (snapshots_path(cut) / "mayors").glob("*/data/base/mayor/sft/train.parquet")
    path.unlink()
    broken = CliRunner().invoke(app, ["snapshot", "verify", "mayors"])
    assert broken.exit_code == ExitCode.FAILED
    assert "the row x4 is missing" in broken.output


def test_a_pull_is_pinned_and_pulled_again_by_its_pin(cut: Path) -> None:
    said("pull", "pool", "--lock", "snapshots.lock")
    (folder,) = Path().glob("pool-*")
    assert said("verify", f"{folder}").startswith("ok")
    # Another snapshot of that name is newer now; the pin holds.
    publish_tables(cut, tables([placed(1), placed(2)]))
    said("create", "pool")
    pinned = said("pull", "--locked", "snapshots.lock", "--as", "jsonl", "pool", "again")
    assert folder.name.replace("pool-", "pool/") in pinned
    assert list(Path("again").rglob("*.jsonl"))
    assert folder.name.replace("pool-", "pool/") not in said("pull", "pool", "newest")
    assert sorted(row["form"] for row in PULLS.rows(cut)) == ["jsonl", "parquet", "parquet"]


def test_pulling_nothing_or_an_unpinned_name_is_refused(cut: Path) -> None:
    with pytest.raises(Told) as told:
        said("pull")
    assert told.value.exit_code is ExitCode.USAGE
    with pytest.raises(Told, match="pins no such snapshot"):
        said("pull", "pool", "--locked", "snapshots.lock")


def test_drop_needs_the_id_and_leaves_the_members_known(cut: Path) -> None:
    with pytest.raises(Told, match="drop it by name and id: forge snapshot drop mayors/"):
        said("drop", "mayors")
    (folder,) = (snapshots_path(cut) / "mayors").iterdir()
    said("drop", f"mayors/{folder.name[:8]}")
    assert not folder.exists()
    assert [line.split("/")[0] for line in said("list").splitlines()] == ["pool"]
    assert {row["snapshot_name"] for row in MEMBERS.rows(cut)} == {"mayors", "pool"}
    before = len(list(MEMBERS.rows(cut)))
    assert folder.name[:12] in said("create", "mayors", "--role", "mayor")
    assert len(list(MEMBERS.rows(cut))) == before


def test_a_pulled_copy_is_not_dropped_for_its_owner(cut: Path) -> None:
    said("pull", "mayors", "copy")
    with pytest.raises(Told, match="remove it yourself"):
        said("drop", "./copy")
    assert Path("copy/manifest.json").exists()


def test_an_episode_is_erased_from_every_snapshot_at_once(cut: Path) -> None:
    taken = erase_episodes(cut, {"ep4", "ep9"}, "asked for")
    # ep4 is in the base and in an overlay of both snapshots, ep9 is the worse attempt of a pair of `pool`.
    assert {name.partition("/")[0]: count for name, count in taken.items()} == {"mayors": 2, "pool": 3}
    assert ["3 rows erased" in line for line in said("list").splitlines()] == [False, True]
    for name in ("mayors", "pool"):
        assert "erased" in said("verify", name)
    assert [known.events for known in recorded(cut)] == [("created", "erased")] * 2
    assert erase_episodes(cut, {"ep4", "ep9"}, "asked for again") == {}
