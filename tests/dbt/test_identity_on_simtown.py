"""Who ran each session, and what became of each bead, as the generator of a synthetic world knows it."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from ingest.run import run_ingest
from lake.duck import load_delta
from lake.location import model_path
from simtown.truth import Truth
from tests.dbt.projects import REAL, dbt
from tests.ingest.logsql_server import serving_telemetry

MODELS = ("dim_towns", "dim_rigs", "dim_agents", "dim_sessions", "bridge_town_database", "int_session_identity_votes", "int_beads",
          "fct_bead_events")  # fmt: skip
# The generator also tells kinds of work apart by what became of it.
KINDS = {"mail": "message", "conflict": "conflict_task", "reaped": "work", "duplicate": "work", "epic": "work"}
Ask = Callable[[str], list[tuple[Any, ...]]]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Truth, Ask]:
    """A synthetic world's truth, and a function that asks the models built from its files."""
    folder = tmp_path_factory.mktemp("identity")
    command = [sys.executable, "-m", "simtown", str(folder / "world"), "--size", "small", "--with-telemetry", "yes"]
    subprocess.run(command, check=True, capture_output=True)
    lake = folder / "lake"
    with serving_telemetry(folder / "world"):
        report = run_ingest(folder / "world/towns.yaml", lake)
    assert report.exit_code == 0, report.lines()
    built = dbt(REAL, lake, "build", "--exclude-resource-type", "test", "unit_test", DBT_TARGET_PATH=str(folder / "target"))
    assert built.exit_code == 0, built.output

    def ask(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect() as connection:
            load_delta(connection)
            for model in MODELS:
                connection.execute(f"create view {model} as select * from delta_scan('{model_path(lake, model)}')")
            return connection.execute(sql).fetchall()

    return Truth(folder / "world/truth"), ask


def test_every_session_has_its_town_role_rig_and_name(world: tuple[Truth, Ask]) -> None:
    truth, ask = world
    known = {
        (row["town"], row["session_id"]): (row["role"], row["rig"] or None, row["name"] or None) for row in truth.rows("sessions")
    }
    found = {
        (town, session): tuple(identity)
        for town, session, *identity in ask(
            "select towns.name, sessions.session_id, sessions.role, sessions.rig, sessions.name "
            "from dim_sessions as sessions inner join dim_towns as towns using (town_id)"
        )
    }
    assert found == known


def test_every_vote_that_counts_names_the_right_agent(world: tuple[Truth, Ask]) -> None:
    truth, ask = world
    known = {row["session_id"]: (row["role"], row["rig"] or None, row["name"] or None) for row in truth.rows("sessions")}
    votes = ask(
        "select sessions.session_id, votes.bridge, votes.role, votes.rig, votes.name from int_session_identity_votes as votes "
        "inner join dim_sessions as sessions using (session_key) where votes.is_accepted"
    )
    assert {bridge for _, bridge, *_ in votes} == {"cwd", "beacon", "hook", "telemetry", "session_start"}
    assert [vote for vote in votes if known[vote[0]] != tuple(vote[2:])] == []


def test_telemetry_votes_for_every_session_whose_records_tell_its_agent(world: tuple[Truth, Ask]) -> None:
    truth, ask = world
    told = {row["session_id"] for row in truth.rows("telemetry") if row["has_gt_attributes"] or row["has_agent_usage"]}
    found = ask(
        "select sessions.session_id from int_session_identity_votes as votes "
        "inner join dim_sessions as sessions using (session_key) where votes.bridge = 'telemetry' and votes.is_accepted"
    )
    assert {session for (session,) in found} == told


def test_every_address_is_an_agent(world: tuple[Truth, Ask]) -> None:
    truth, ask = world
    known = {(row["town"], row["tmux"]) for row in truth.rows("sessions")}
    found = set(ask("select towns.name, agents.tmux_name from dim_agents as agents inner join dim_towns as towns using (town_id)"))
    assert known - found == set()


def test_every_rig_has_its_database(world: tuple[Truth, Ask]) -> None:
    truth, ask = world
    known = {
        (row["town"], row["rig"]): row["project_id"] for row in truth.rows("databases") if row["rig"] and row["database"] != "hq"
    }
    found = ask(
        "select towns.name, rigs.rig, rigs.beads_project_id from dim_rigs as rigs inner join dim_towns as towns using (town_id)"
    )
    assert {(town, rig): project for town, rig, project in found} == known


def test_every_bead_is_one_bead_of_its_kind_and_status(world: tuple[Truth, Ask]) -> None:
    truth, ask = world
    known = {
        (row["beads_project_id"], row["bead_id"]): (KINDS.get(row["kind"], row["kind"]), row["status"])
        for row in truth.rows("beads")
    }
    found = {(project, bead): (kind, status) for project, bead, kind, status in ask(
        "select beads_project_id, bead_id, kind, status from int_beads"
    )}  # fmt: skip
    assert found == known


def test_every_closing_and_reopening_is_replayed(world: tuple[Truth, Ask]) -> None:
    truth, ask = world
    known = {(row["beads_project_id"], row["bead_id"]): (row["closes"], row["reopened"]) for row in truth.rows("beads")}
    found = {(project, bead): (closes, reopened) for project, bead, closes, reopened in ask(
        "select beads_project_id, bead_id, count(*) filter (is_close), count(*) filter (is_reopen) from fct_bead_events "
        "group by beads_project_id, bead_id"
    )}  # fmt: skip
    assert {key: found.get(key, (0, 0)) for key in known} == known
