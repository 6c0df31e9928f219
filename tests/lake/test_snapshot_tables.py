"""What the lake remembers of its snapshots."""

import json
from dataclasses import replace
from pathlib import Path

from deltalake import DeltaTable

from lake.snapshot_layout import Part, is_name, path_safe
from lake.snapshot_tables import MEMBERS, Member, recorded, write_event, write_members

MEMBER = Member("e1", "ep1", "g1", "train", "base", None, "polecat")
ID, OTHER = "a" * 64, "b" * 64


def test_snapshots_are_counted_and_members_written_once(lake: Path) -> None:
    assert write_members(lake, "pool", ID, [MEMBER, replace(MEMBER, example_key="e2")]) == 1
    assert write_members(lake, "pool", ID, [MEMBER]) == 1
    assert write_members(lake, "pool", OTHER, [MEMBER]) == 2
    assert write_members(lake, "other name", ID, [MEMBER]) == 3
    rows = [(row["snapshot_sequence"], row["example_key"]) for row in MEMBERS.rows(lake)]
    assert sorted(rows) == [(1, "e1"), (1, "e2"), (2, "e1"), (3, "e1")]


def test_no_statistics_of_a_text_reach_the_log(lake: Path) -> None:
    write_members(lake, "pool", ID, [replace(MEMBER, startup="secret startup")])
    logs = [path.read_text() for path in (lake / MEMBERS.folder / "_delta_log").glob("*.json")]
    added = [json.loads(line)["add"] for log in logs for line in log.splitlines() if '"add"' in line]
    assert added
    assert not any("secret startup" in json.dumps(add) for add in added)
    assert "startup" not in DeltaTable(str(lake / MEMBERS.folder)).metadata().configuration["delta.dataSkippingStatsColumns"]


def test_a_dropped_snapshot_is_remembered_and_can_come_back(lake: Path) -> None:
    assert recorded(lake) == []
    write_event(lake, "pool", ID, 1, "created", release_id="r", inputs_hash="i", row_count=2)
    assert not recorded(lake)[0].is_dropped
    write_event(lake, "pool", ID, 1, "dropped")
    (dropped,) = recorded(lake)
    assert dropped.is_dropped
    assert (dropped.release_id, dropped.row_count, dropped.events) == ("r", 2, ("created", "dropped"))
    write_event(lake, "pool", ID, 1, "created")
    assert not recorded(lake)[0].is_dropped


def test_folders_of_startups_are_safe_and_never_shared() -> None:
    names = ["alpha", "Alpha", "gas town/hq", "gas-town/hq", "../../etc", "ümlaut", "", "a" * 200, "con.fig", "%2e", "-x", "\\"]
    folders = [path_safe(name) for name in names]
    assert folders[0] == "alpha"
    assert len({folder.lower() for folder in folders}) == len(names)
    assert all(set(folder) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-") and len(folder) <= 64 for folder in folders)
    part = Part("overlay", "gas town/hq", "polecat", "sft", "train")
    assert part.path.startswith("data/overlay/gas-town-hq-")
    assert part.path.endswith("/polecat/sft/train")


def test_names_of_snapshots() -> None:
    assert all(map(is_name, ["pool", "polecat-2026.01", "a"]))
    assert not any(map(is_name, ["", ".", "..", "a/b", "Pool", "-a", "a" * 65, "a b", "x.lock"]))
