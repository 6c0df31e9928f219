"""Rows over SQL: only what is new, changed or gone becomes a version, over a real connection."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.beads_export import PRIMARY_KEYS
from ingest.run import run_ingest
from lake.tables import RAW_TABLES, open_raw
from tests.ingest.beads_schema import commons, early_2026, today
from tests.ingest.dolt_town import PROJECT, DoltTown, event, issue, label
from tests.ingest.lake_rows import rows

FIRST = [
    ("events", f"{1:036d}", "upsert"),
    ("events", f"{2:036d}", "upsert"),
    ("issues", "hq-1", "upsert"),
    ("issues", "hq-2", "upsert"),
    ("labels", "hq-1|gt:task", "upsert"),
    ("labels", "hq-2|gt:message", "upsert"),
    ("wisp_labels", "hq-wisp-1|gt:merge-request", "upsert"),
    ("wisps", "hq-wisp-1", "upsert"),
]


def delta_versions(lake: Path) -> dict[str, int]:
    return {name: open_raw(lake, name).version() for name in RAW_TABLES}


def test_the_first_look_loads_every_row(dolt_town: DoltTown) -> None:
    dolt_town.load()
    assert dolt_town.versions() == FIRST
    found = {row["row_key"]: row for row in rows(dolt_town.lake, "beads_rows")}
    bead = found["hq-1"]
    assert (bead["town_id"], bead["beads_project_id"], bead["database"], bead["source"]) == ("alpha", PROJECT, "hq", "dolt")
    assert found[f"{1:036d}"]["bead_id"] == "hq-1"
    record = json.loads(bead["record"])
    assert record["updated_at"] == "2026-03-01T10:00:00Z"
    assert record["metadata"] == "{}"
    assert record["ephemeral"] == 0
    assert "closed_at" not in record  # null


@pytest.mark.parametrize("how", ["load", "poll"])
def test_an_idle_look_commits_nothing(dolt_town: DoltTown, how: str) -> None:
    look = getattr(dolt_town, how)
    look()
    before = delta_versions(dolt_town.lake)
    look()
    report = look()
    assert [stream.status for stream in report.streams] == ["unchanged"]
    assert delta_versions(dolt_town.lake) == before


@pytest.mark.parametrize("how", ["load", "poll"])
def test_a_changed_row_is_one_version_and_an_unchanged_one_none(dolt_town: DoltTown, how: str) -> None:
    look = getattr(dolt_town, how)
    look()
    look()
    change = "update issues set status = 'hooked', assignee = 'mill/polecats/nux', updated_at = utc_timestamp() where id = 'hq-1'"
    dolt_town.server.run(change, database="hq")
    dolt_town.server.insert("hq", "events", event("hq-1", f"{3:036d}", event_type="status_changed"))
    dolt_town.server.insert("hq", "issues", issue("hq-3"))
    look()
    look()
    new = [("events", f"{3:036d}", "upsert"), ("issues", "hq-1", "upsert"), ("issues", "hq-3", "upsert")]
    assert dolt_town.versions() == FIRST + new


def test_a_purged_wisp_stays_known_and_is_marked_as_gone(dolt_town: DoltTown) -> None:
    dolt_town.poll()
    dolt_town.poll()
    # As the reaper does it: closed by the server's own clock, without touching updated_at; then purged.
    dolt_town.server.run("update wisps set status = 'closed', closed_at = now()", database="hq")
    dolt_town.poll()
    dolt_town.server.run("delete from wisps", "delete from wisp_labels", database="hq")
    dolt_town.poll()
    assert [change for _, _, change in dolt_town.versions("wisps")] == ["upsert", "upsert", "delete"]
    assert [change for _, _, change in dolt_town.versions("wisp_labels")] == ["upsert", "delete"]
    found = [row for row in rows(dolt_town.lake, "beads_rows") if row["table_name"] == "wisps"]
    assert sorted(json.loads(row["record"])["status"] for row in found if row["record"]) == ["closed", "open"]
    gone = next(row for row in found if row["change"] == "delete")
    assert (gone["record"], gone["bead_id"], gone["row_key"]) == (None, "hq-wisp-1", "hq-wisp-1")
    dolt_town.server.insert("hq", "wisps", issue("hq-wisp-1"))
    dolt_town.poll()
    assert [change for _, _, change in dolt_town.versions("wisps")] == ["upsert", "upsert", "delete", "upsert"]


def test_old_rows_that_a_sync_brings_are_found_by_their_keys(dolt_town: DoltTown) -> None:
    dolt_town.poll()
    dolt_town.poll()
    dolt_town.server.insert("hq", "issues", issue("hq-0", updated_at="2025-12-01 00:00:00"))
    dolt_town.server.insert("hq", "events", event("hq-0", f"{9:036d}", created_at="2025-12-01 00:00:00"))
    dolt_town.poll()
    assert dolt_town.versions()[len(FIRST) :] == [("events", f"{9:036d}", "upsert"), ("issues", "hq-0", "upsert")]


def test_an_edit_that_moves_no_time_is_seen_by_the_next_whole_look(dolt_town: DoltTown) -> None:
    dolt_town.poll()
    dolt_town.poll()
    dolt_town.server.run("update issues set notes = 'by hand' where id = 'hq-2'", database="hq")
    dolt_town.poll()
    assert len(dolt_town.versions()) == len(FIRST)
    dolt_town.load()
    assert dolt_town.versions()[len(FIRST) :] == [("issues", "hq-2", "upsert")]


def test_a_column_that_is_added_makes_no_versions_while_it_is_empty(dolt_town: DoltTown) -> None:
    dolt_town.load()
    dolt_town.server.run("alter table issues add column brand_new varchar(20)", database="hq")
    dolt_town.load()
    assert len(dolt_town.versions()) == len(FIRST)


def test_an_older_schema_loads_and_says_what_it_lacks(bare_town: DoltTown) -> None:
    bare_town.server.create("mill", *early_2026())
    bare_town.declare("databases:", f"  - {{database: mill, beads_project: {PROJECT}}}")
    bare_town.server.insert("mill", "issues", issue("ml-1") | {"quality_score": 0.5})
    bare_town.server.insert("mill", "events", event("ml-1", "7"))
    report = bare_town.load()
    assert bare_town.versions() == [("events", "7", "upsert"), ("issues", "ml-1", "upsert")]
    found = rows(bare_town.lake, "beads_rows")
    assert {row["beads_project_id"] for row in found} == {PROJECT}
    assert json.loads(next(row for row in found if row["table_name"] == "issues")["record"])["quality_score"] == 0.5
    notes = [line for line in report.lines() if line.startswith("note:")]
    assert any("mill.issues lacks the columns no_history, started_at" in note for note in notes), notes
    assert any("mill lacks the tables wisps," in note for note in notes), notes


def test_a_table_without_its_key_is_told_and_the_rest_loads(dolt_town: DoltTown) -> None:
    dolt_town.server.run("alter table labels drop primary key, drop column label", database="hq")
    report = dolt_town.load(exit_code=3)
    assert any("hq.labels is not loaded: it lacks the key column label" in line for line in report.lines())
    assert [version for version in FIRST if version[0] != "labels"] == dolt_town.versions()


def test_every_database_is_read_but_the_server_s_own_and_those_of_tests(dolt_town: DoltTown) -> None:
    dolt_town.server.create("mill", *today(PROJECT[:-1] + "2"))
    dolt_town.server.insert("mill", "issues", issue("ml-1"))
    for name in ("testdb_1", "beads_t9", "beads_pt1", "doctest_x"):
        dolt_town.server.create(name, *today(f"p-{name}"))
        dolt_town.server.insert(name, "issues", issue("xx-1"))
    dolt_town.server.create("unrelated", "create table t (id int primary key)")
    dolt_town.server.create("wl_commons", *commons())
    dolt_town.server.insert("wl_commons", "completions", {"id": "c1", "wanted_id": "w1", "completed_at": "2026-01-02 08:00:00"})
    dolt_town.server.insert("wl_commons", "stamps", {"id": "s1", "author": "a", "subject": "b", "valence": '{"quality": 4}'})
    dolt_town.load()
    found = rows(dolt_town.lake, "beads_rows")
    assert {(row["database"], row["beads_project_id"]) for row in found} == {
        ("hq", PROJECT),
        ("mill", PROJECT[:-1] + "2"),
        ("wl_commons", "wl_commons"),
    }
    stamp = next(row for row in found if row["table_name"] == "stamps")
    assert (stamp["row_key"], json.loads(stamp["record"])["subject"]) == ("s1", "b")
    completion = next(row for row in found if row["table_name"] == "completions")
    # A TIMESTAMP has a zone, unlike a DATETIME: inserted at 08:00 eight hours west of Greenwich, read in UTC.
    assert json.loads(completion["record"])["completed_at"] == "2026-01-02T16:00:00Z"
    assert completion["bead_id"] is None


def test_a_database_without_a_project_id_is_told_and_the_rest_loads(dolt_town: DoltTown) -> None:
    dolt_town.server.create("mill", *early_2026())
    report = dolt_town.load(exit_code=3)
    assert any("database mill has no project id" in line and "dolt.databases" in line for line in report.lines())
    assert dolt_town.versions() == FIRST


def test_two_copies_of_a_database_on_one_server_are_read_once(dolt_town: DoltTown) -> None:
    dolt_town.server.create("hq_copy", *today(PROJECT))
    dolt_town.server.insert("hq_copy", "issues", issue("hq-1", title="older"))
    report = dolt_town.load(exit_code=3)
    assert any("only hq is read" in line for line in report.lines())
    assert dolt_town.versions() == FIRST


def test_a_secret_is_replaced_also_in_a_key_and_is_not_new_every_time(dolt_town: DoltTown) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    dolt_town.server.insert("hq", "comments", {"id": f"{1:036d}", "issue_id": "hq-1", "author": "a", "text": f"use {secret} now"})
    dolt_town.server.insert("hq", "labels", label("hq-1", f"key:{secret}"))
    dolt_town.poll()
    dolt_town.poll()
    dolt_town.load()
    found = rows(dolt_town.lake, "beads_rows")
    assert len(found) == len(FIRST) + 2
    assert secret not in json.dumps(found, default=str)
    replaced = rows(dolt_town.lake, "redactions")
    keys = {f"{row['file_id']}:{row['generation']}:{row['byte_offset']}" for row in found}
    assert len(replaced) == 2
    assert {row["record_key"] for row in replaced} <= keys
    dolt_town.server.run("delete from labels where label like 'key:%'", database="hq")
    dolt_town.load()
    assert dolt_town.versions("labels")[-1][2] == "delete"


@pytest.fixture
def export(real_data: Path) -> Path:
    return real_data / "gastown" / "beads"


def without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def test_a_real_database_gives_the_rows_of_its_own_export(bare_town: DoltTown, export: Path) -> None:
    bare_town.server.create("gastown", *early_2026(), f"insert into metadata values ('_project_id', '{PROJECT}')")
    for table in PRIMARY_KEYS:
        path = export / f"{table}.jsonl"
        if path.is_file():
            found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            names = sorted({name for row in found for name in row})
            bare_town.server.insert("gastown", table, *({name: row.get(name) for name in names} for row in found))
    declared = f"    beads:\n      - path: {export}\n        database: gastown\n        beads_project: {PROJECT}\n"
    bare_town.town.towns_file.write_text(bare_town.town.towns_file.read_text().replace("    dolt:\n", f"{declared}    dolt:\n"))
    report = run_ingest(bare_town.town.towns_file, bare_town.lake, only=["beads", "dolt"], progress=False)
    assert report.exit_code == 0, report.lines()
    by_source: dict[str, dict[tuple[str, str], dict[str, Any]]] = {"jsonl": {}, "dolt": {}}
    for row in rows(bare_town.lake, "beads_rows"):
        record = without_nulls(json.loads(row["record"]))
        by_source[row["source"]][row["table_name"], row["row_key"]] = record | {"_bead": row["bead_id"], "_at": row["updated_at"]}
    assert len(by_source["jsonl"]) > 4_000
    # The database has columns that the export left out; of those that both have, every value is the same.
    assert by_source["dolt"].keys() == by_source["jsonl"].keys()
    for place, exported in by_source["jsonl"].items():
        read = by_source["dolt"][place]
        assert {name: read.get(name) for name in exported} == exported, place
