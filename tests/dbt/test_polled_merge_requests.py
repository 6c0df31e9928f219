"""Merge requests of synthetic towns whose rows a poll of the database saw before they were purged."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from ingest.run import run_ingest
from lake.duck import load_delta
from lake.location import model_path, raw_path
from simtown import Truth, generate
from tests.dbt.bead_histories import observed
from tests.dbt.growing_lake import append_load, raw_rows
from tests.dbt.projects import REAL, dbt

Ask = Callable[[str], list[tuple[Any, ...]]]
# What the row's own close reason says of each state; a request that is open has none.
REAPED = {"reaped": "closed_unexplained"}

pytestmark = pytest.mark.slow


def polled(world: Path, towns: dict[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """The dump's row versions as the loader would have written them. `towns`: prefix of bead ids → town id and project id."""
    rows = []
    for path in sorted(world.glob("*/dolt/*/wisps.jsonl")):
        for line in path.read_bytes().splitlines():
            value = orjson.loads(line)
            bead, since, until = value["id"], value.pop("valid_from"), value.pop("valid_to")
            town, project = towns[bead.split("-")[0]]
            for at, version in ((since, value), (until, None)):
                if at is not None:
                    row = observed(town, "wisps", bead, bead, datetime.fromisoformat(at), version, source="dolt")
                    rows.append(row | {"beads_project_id": project})
    # A version that another follows did not go.
    return [row for row in rows if row["record"] or not any(
        other["record"] and (other["row_key"], other["observed_at"]) == (row["row_key"], row["observed_at"]) for other in rows
    )]  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Truth, Ask]:
    """Two towns with the dump of their databases in the lake, and a function that asks the models of their beads."""
    folder = tmp_path_factory.mktemp("polled")
    truth = generate(folder / "world", with_dolt_dump=True)
    lake = folder / "lake"
    run_ingest(folder / "world/towns.yaml", lake, only=["beads", "town_files"], progress=False)
    with duckdb.connect() as connection:
        load_delta(connection)
        found = connection.execute(
            "select split_part(bead_id, '-', 1), min(town_id), beads_project_id, max(load_seq) "
            f"from delta_scan('{raw_path(lake, 'beads_rows')}') where table_name = 'issues' group by 1, 3"
        ).fetchall()
    towns = {prefix: (town, project) for prefix, town, project, _ in found if prefix != "hq"}
    rows = polled(folder / "world", towns)
    append_load(lake, 1000, {"beads_rows": raw_rows("beads_rows", rows)})
    chosen = ["--select", "+fct_attempts", "--exclude-resource-type", "test", "unit_test"]
    built = dbt(REAL, lake, "build", *chosen, DBT_TARGET_PATH=str(folder / "target"))
    assert built.exit_code == 0, built.output

    def ask(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect() as connection:
            load_delta(connection)
            for model in ("fct_merge_requests", "fct_attempts"):
                connection.execute(f"create view {model} as select * from delta_scan('{model_path(lake, model)}')")
            return connection.execute(sql).fetchall()

    return truth, ask


def test_every_request_that_was_polled_is_judged_by_its_row(world: tuple[Truth, Ask]) -> None:
    truth, ask = world
    columns = "beads_project_id, merge_request_id, state, commit_sha, created_at, state_evidence"
    found = {row[:2]: row[2:] for row in ask(f"select {columns} from fct_merge_requests where evidence = 'row'")}
    seen = [row for row in truth.rows("merge_requests") if row["in_dump"] or row["in_export"]]
    assert len(seen) > 20
    assert len(found) == len(seen)
    for known in seen:
        state, commit, created, evidence = found[known["beads_project_id"], known["merge_request_id"]]
        assert (state, commit) == (REAPED.get(known["state"], known["state"]), known["commit_sha"]), known
        assert created.astimezone(UTC) == datetime.fromisoformat(known["created_at"]), known
        assert evidence == "row", known


def test_requests_that_no_poll_saw_are_still_known(world: tuple[Truth, Ask]) -> None:
    truth, ask = world
    states: dict[str, str] = dict(ask("select merge_request_id, state from fct_merge_requests where evidence <> 'row'"))
    missed = {row["merge_request_id"]: row["state"] for row in truth.rows("merge_requests")
              if not row["in_dump"] and not row["in_export"]}  # fmt: skip
    assert {key: state for key, state in states.items() if state != "unknown"} == {
        key: state for key, state in missed.items() if state != "reaped"
    }
