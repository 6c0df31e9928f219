"""The beads of real sessions: whose work is known from an independent list, and which have nothing to do with any bead."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.run import run_ingest
from lake.duck import load_delta
from lake.location import model_path
from tests.dbt.projects import REAL, dbt

pytestmark = pytest.mark.slow

MODELS = ("int_sessions", "int_beads", "int_town_commands", "fct_episodes", "fct_episode_links", "bridge_episode_bead",
          "fct_lost_session_links")  # fmt: skip


@pytest.fixture(scope="module")
def expected(real_data: Path) -> dict[str, str]:
    """Session → the epic it worked on."""
    links: dict[str, str] = json.loads((real_data / "expected.json").read_text())["links"]["spotter"]
    assert len(links) == 6
    return links


@pytest.fixture(scope="module")
def spotter(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """A connection to the models of the set's transcripts and beads."""
    folder = tmp_path_factory.mktemp("spotter")
    home = real_data / "spotter"
    (folder / "towns.yaml").write_text(
        f"towns:\n  - name: spotter\n    id: spotter\n    root: {home}\n    recorded_root: /home/user1/projects\n"
        f"    extra_roots: [/home/USER/projects]\n    homes:\n      claude: [{home / 'claude'}]\n"
        f"    beads:\n      - path: {home / 'beads'}\n        database: spotter\n        beads_project: p-spotter\n"
    )
    lake = folder / "lake"
    report = run_ingest(folder / "towns.yaml", lake, progress=False)
    assert report.exit_code == 0, report.lines()
    built = dbt(
        REAL,
        lake,
        *("build", "--exclude-resource-type", "test", "unit_test"),
        *("--select", "+fct_episode_links", "+fct_lost_session_links"),
        DBT_TARGET_PATH=str(folder / "target"),
    )
    assert built.exit_code == 0, built.output
    connection = duckdb.connect()
    load_delta(connection)
    for model in MODELS:
        connection.execute(f"create view {model} as select * from delta_scan('{model_path(lake, model)}')")
    return connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """Answer of a query."""
    return connection.execute(sql).fetchall()


def test_sessions_are_linked_to_the_epic_they_worked_on_and_no_other_session_is_linked(
    spotter: duckdb.DuckDBPyConnection, expected: dict[str, str]
) -> None:
    links = rows(
        spotter,
        "select sessions.session_id, links.primary_bead_id, links.confidence from ("
        "select session_key, primary_bead_id, confidence from fct_episode_links union all "
        "select session_key, primary_bead_id, confidence from fct_lost_session_links) as links "
        "inner join int_sessions as sessions using (session_key) where links.primary_bead_id is not null",
    )
    assert {(session, bead) for session, bead, _ in links} == set(expected.items())
    assert min(confidence for *_, confidence in links) >= 0.9


def test_beads_that_a_session_closed_contribute_to_its_epic(spotter: duckdb.DuckDBPyConnection, expected: dict[str, str]) -> None:
    closed = rows(
        spotter,
        "select sessions.session_id, concat(commands.bead_id, ' ', coalesce(commands.further_bead_ids, '')) "
        "from int_town_commands as commands inner join int_sessions as sessions using (session_key) "
        "where commands.program = 'bd' and commands.verb = 'close' and not commands.is_error",
    )
    wanted = {(session, bead) for session, beads in closed for bead in beads.split() if bead != expected[session]}
    found = rows(
        spotter,
        "select sessions.session_id, links.bead_id from bridge_episode_bead as links "
        "inner join int_sessions as sessions using (session_key) where links.link_kind = 'contributing'",
    )
    assert len(wanted) == 24
    assert set(found) >= wanted
    assert {bead.split(".")[0] for _, bead in found} <= set(expected.values())


def test_sessions_of_the_project_that_touch_no_bead_have_no_link_and_a_reason(
    spotter: duckdb.DuckDBPyConnection, expected: dict[str, str]
) -> None:
    others = rows(
        spotter,
        "select sessions.session_id, links.unlinked_reason, links.contributing_bead_count from fct_episode_links as links "
        "inner join int_sessions as sessions using (session_key)",
    )
    unrelated = [other for other in others if other[0] not in expected]
    assert len(unrelated) == 3
    assert [other for other in unrelated if other[1] is None or other[2] > 0] == []


def test_text_that_looks_like_an_id_links_nothing(spotter: duckdb.DuckDBPyConnection) -> None:
    strange = rows(
        spotter,
        "select links.bead_id from bridge_episode_bead as links "
        "left join int_beads as beads using (beads_project_id, bead_id) where beads.bead_id is null",
    )
    assert strange == []
