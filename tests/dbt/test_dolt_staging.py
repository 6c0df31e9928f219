"""Rows over SQL and rows of an export feed the same staging models, and agree there; what is purged stays known."""

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.run import run_ingest
from lake.duck import load_delta
from tests.dbt.projects import REAL, dbt
from tests.ingest.beads_schema import today
from tests.ingest.dolt_town import PASSWORD_VARIABLE, PROJECT, DoltTown, event, issue, label
from tests.ingest.sql_servers import PASSWORD, running_server
from tests.ingest.towns_on_disk import make_town

pytestmark = pytest.mark.slow

MODELS = ("stg_beads__issues", "stg_beads__events", "stg_beads__labels", "stg_beads__dependencies", "stg_beads__comments")
EDGE = {"issue_id": "hq-1", "depends_on_id": "hq-2", "created_at": "2026-03-01 02:00:00", "created_by": "mayor"}
COMMENT = {"id": f"{1:036d}", "issue_id": "hq-1", "author": "mayor", "text": "go on", "created_at": "2026-03-01 10:00:00"}
TABLES: dict[str, list[dict[str, Any]]] = {
    "issues": [issue("hq-1", status="closed", closed_at="2026-03-01 11:00:00", close_reason="Merged in hq-wisp-1"), issue("hq-2")],
    "events": [
        event("hq-1", f"{1:036d}", old_value="", new_value=""),
        event("hq-1", f"{2:036d}", event_type="closed", old_value="", new_value="Closed"),
    ],
    "labels": [label("hq-1", "gt:task")],
    "dependencies": [EDGE],
    "comments": [COMMENT],
}


def exported(row: dict[str, Any]) -> str:
    """A row as an export writes it."""
    times = {name: f"{value.replace(' ', 'T')}Z" for name, value in row.items() if name.endswith("_at") and value}
    return json.dumps(row | times)


def ask(lake: Path, model: str, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        load_delta(connection)
        return connection.execute(sql.replace("$model", f"delta_scan('{lake / 'models' / model}')")).fetchall()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with a database read twice (its merge request was purged in between) and its export, built after each load."""
    folder = tmp_path_factory.mktemp("dolt-staging")
    (folder / "server").mkdir()
    project = shutil.copytree(REAL, folder / "project", ignore=shutil.ignore_patterns("target", "logs"))
    with running_server(folder / "server") as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv(PASSWORD_VARIABLE, PASSWORD)
        town = DoltTown(make_town(folder / "towns"), server, folder / "lake")
        server.create("hq", *today(PROJECT))
        for table, found in TABLES.items():
            server.insert("hq", table, *found)
        server.insert("hq", "wisps", issue("hq-wisp-1", title="Merge: hq-1", status="in_progress"))
        export = town.town.root / "export"
        export.mkdir()
        for table, found in TABLES.items():
            (export / f"{table}.jsonl").write_text("".join(exported(row) + "\n" for row in found))
        town.declare()
        declared = f"    beads: [{{path: alpha/export, database: hq, beads_project: {PROJECT}}}]\n    dolt:\n"
        town.town.towns_file.write_text(town.town.towns_file.read_text().replace("    dolt:\n", declared))
        for statement in ("select 1", "delete from wisps"):
            server.run(statement, database="hq")
            report = run_ingest(town.town.towns_file, town.lake, only=["beads", "dolt"], progress=False)
            assert report.exit_code == 0, report.lines()
            done = dbt(project, town.lake, "run", "--select", *MODELS)
            assert done.exit_code == 0, done.output
    return town.lake


def test_a_purged_merge_request_keeps_its_last_version(built: Path) -> None:
    sql = (
        "select change, is_current, is_last_known, title, valid_to is null from $model where bead_id = 'hq-wisp-1' order by change"
    )
    assert ask(built, MODELS[0], sql) == [
        ("delete", False, False, None, True),
        ("upsert", False, True, "Merge: hq-1", False),
    ]


def test_beads_of_both_sources_agree(built: Path) -> None:
    columns = "bead_id, title, status, assignee, close_reason, created_at, updated_at, closed_at, is_current, valid_to"
    found = {
        source: ask(
            built, MODELS[0], f"select {columns} from $model where source = '{source}' and table_name = 'issues' order by 1"
        )
        for source in ("jsonl", "dolt")
    }
    assert len(found["dolt"]) == 2
    assert found["dolt"] == found["jsonl"]


def test_events_and_comments_of_both_sources_are_one(built: Path) -> None:
    events = "select event_type, closed_shape, is_created_at_server_local from $model order by 1"
    assert ask(built, "stg_beads__events", events) == [("closed", "close", True), ("created", None, True)]
    assert ask(built, "stg_beads__comments", "select text, author from $model") == [("go on", "mayor")]


@pytest.mark.parametrize(("model", "column"), [("stg_beads__labels", "label"), ("stg_beads__dependencies", "depends_on_id")])
def test_labels_and_edges_of_both_sources_agree(built: Path, model: str, column: str) -> None:
    found = ask(built, model, f"select source, bead_id, {column}, is_current from $model order by source")
    assert [row[1:] for row in found if row[0] == "dolt"] == [row[1:] for row in found if row[0] == "jsonl"]
    assert len(found) == 2
