"""Exports are rewritten as a whole; the lake keeps versions of rows: new, changed, gone."""

import json
import os
from pathlib import Path

import pytest

from ingest.run import IngestReport, run_ingest
from lake.tables import open_raw
from tests.ingest.lake_rows import rows
from tests.ingest.towns_on_disk import TownOnDisk, make_town

PROJECT = "5d1f5b1e-9a55-4d59-9d46-000000000001"


@pytest.fixture
def town(tmp_path: Path) -> TownOnDisk:
    town = make_town(tmp_path / "towns")
    town.towns_file.write_text(
        town.towns_file.read_text()
        + f"    beads:\n      - path: alpha/export\n        database: gastown\n        beads_project: {PROJECT}\n"
    )
    (town.root / "export").mkdir()
    return town


def write(town: TownOnDisk, table: str, *values: object, second: int = 0) -> None:
    """Write a table file of the export, as of a given second."""
    path = town.root / "export" / f"{table}.jsonl"
    path.write_text("".join(value if isinstance(value, str) else json.dumps(value) + "\n" for value in values))
    os.utime(path, (1_760_000_000 + second, 1_760_000_000 + second))


def load(town: TownOnDisk, lake: Path) -> IngestReport:
    report = run_ingest(town.towns_file, lake, only=["beads"], progress=False)
    assert report.exit_code == 0, report.lines()
    return report


def versions(lake: Path) -> list[tuple[str, str, str]]:
    return sorted((row["row_key"], row["change"], (row["record"] or "")) for row in rows(lake, "beads_rows"))


def test_only_what_is_new_changed_or_gone_is_written(town: TownOnDisk, lake: Path) -> None:
    one, two, three = ({"id": f"gt-{n}", "title": "x", "updated_at": "2026-04-01T00:00:00Z"} for n in (1, 2, 3))
    write(town, "issues", one, two)
    load(town, lake)
    write(town, "issues", one | {"title": "changed"}, three, second=60)
    load(town, lake)
    assert [(key, change) for key, change, _ in versions(lake)] == [
        ("gt-1", "upsert"),
        ("gt-1", "upsert"),
        ("gt-2", "delete"),
        ("gt-2", "upsert"),
        ("gt-3", "upsert"),
    ]
    write(town, "issues", one | {"title": "changed"}, three, two, second=120)
    load(town, lake)
    assert [change for key, change, _ in versions(lake) if key == "gt-2"] == ["delete", "upsert", "upsert"]


def test_an_export_that_was_only_touched_writes_no_row(town: TownOnDisk, lake: Path) -> None:
    write(town, "issues", {"id": "gt-1"})
    load(town, lake)
    write(town, "issues", {"id": "gt-1"}, second=60)
    load(town, lake)
    assert len(versions(lake)) == 1


def test_an_idle_look_commits_nothing(town: TownOnDisk, lake: Path) -> None:
    write(town, "issues", {"id": "gt-1"})
    load(town, lake)
    before = open_raw(lake, "loads").version()
    load(town, lake)
    assert open_raw(lake, "loads").version() == before


def test_compound_and_numeric_keys(town: TownOnDisk, lake: Path) -> None:
    write(town, "events", {"id": 7, "issue_id": "gt-1", "event_type": "created"})
    write(town, "labels", {"issue_id": "gt-1", "label": "gt:agent"})
    write(town, "dependencies", {"issue_id": "gt-1", "depends_on_id": "gt-2", "type": "blocks"})
    load(town, lake)
    found = {(row["table_name"], row["row_key"], row["bead_id"]) for row in rows(lake, "beads_rows")}
    assert found == {("events", "7", "gt-1"), ("labels", "gt-1|gt:agent", "gt-1"), ("dependencies", "gt-1|gt-2", "gt-1")}


def test_a_bad_line_is_quarantined_and_proves_nothing_gone(town: TownOnDisk, lake: Path) -> None:
    write(town, "issues", {"id": "gt-1"}, {"id": "gt-2"})
    load(town, lake)
    write(town, "issues", {"id": "gt-1"}, '{"id": "gt-2", "tit\n', {"title": "no id"}, second=60)
    load(town, lake)
    assert [(key, change) for key, change, _ in versions(lake)] == [("gt-1", "upsert"), ("gt-2", "upsert")]
    assert sorted(row["reason"] for row in rows(lake, "quarantine")) == ["invalid_json", "missing_key"]


def test_two_rows_under_one_key_are_both_kept(town: TownOnDisk, lake: Path) -> None:
    write(town, "comments", {"id": 1, "text": "a"}, {"id": 1, "text": "b"}, {"id": 1, "text": "a"})
    load(town, lake)
    assert [key for key, _, _ in versions(lake)] == ["1", "1#2"]
    write(town, "comments", {"id": 1, "text": "b"}, {"id": 1, "text": "a"}, second=60)
    load(town, lake)
    assert len(versions(lake)) == 2


def test_an_export_without_a_project_id_is_told_and_the_rest_loads(town: TownOnDisk, lake: Path) -> None:
    write(town, "issues", {"id": "gt-1"})
    town.towns_file.write_text(town.towns_file.read_text().replace(f"        beads_project: {PROJECT}\n", ""))
    report = run_ingest(town.towns_file, lake, progress=False)
    assert report.exit_code == 3
    assert any("beads_project" in text for text in report.lines())


def test_an_export_is_found_where_the_town_keeps_its_database(tmp_path: Path, lake: Path) -> None:
    town = make_town(tmp_path / "towns")
    town.towns_file.write_text(town.towns_file.read_text().replace("    id: alpha\n", ""))
    files = {
        "mayor/town.json": {"name": "gt", "owner": "o", "created_at": "2026-01-01T00:00:00Z"},
        "mayor/rigs.json": {"rigs": {"mill": {"beads": {"prefix": "ml"}}}},
        ".beads/metadata.json": {"project_id": PROJECT, "dolt_database": "hq"},
        "mill/mayor/rig/.beads/metadata.json": {"project_id": PROJECT[:-1] + "2", "dolt_database": "mill"},
    }
    for name, content in files.items():
        (town.root / name).parent.mkdir(parents=True, exist_ok=True)
        (town.root / name).write_text(json.dumps(content))
    (town.root / "mill/mayor/rig/.beads/backup").mkdir()
    (town.root / "mill/mayor/rig/.beads/backup/issues.jsonl").write_text('{"id":"ml-1"}\n')
    (town.root / "mill/mayor/rig/.beads/interactions.jsonl").write_text('{"id":"i-1","issue_id":"ml-1"}\n')
    report = run_ingest(town.towns_file, lake, progress=False)
    assert report.exit_code == 0, report.lines()
    found = sorted((row["database"], row["table_name"], row["row_key"]) for row in rows(lake, "beads_rows"))
    assert found == [("mill", "interactions", "i-1"), ("mill", "issues", "ml-1")]
    assert [row["kind"] for row in rows(lake, "town_files")].count("beads_metadata") == 2
