"""Episodes and commands of real sessions, which no Gas Town ran: a person's requests and questions."""

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

ROOTS = {"spotter": ["/home/user1/projects", "/home/USER/projects"], "viewer": ["/path/to"]}
MODELS = ("dim_sessions", "int_messages", "int_tool_calls_paired", "int_town_commands", "fct_episodes",
          "fct_sessions_without_episode", "bridge_episode_rig")  # fmt: skip


@pytest.fixture(scope="module")
def connection(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """A connection to the models of both real sets."""
    folder = tmp_path_factory.mktemp("real_episodes")
    towns = [
        f"  - name: {name}\n    id: {name}\n    root: {real_data / name}\n    recorded_root: {roots[0]}\n"
        f"    extra_roots: {json.dumps(roots[1:])}\n    homes:\n      claude: [{real_data / name / 'claude'}]\n"
        for name, roots in ROOTS.items()
    ]
    (folder / "towns.yaml").write_text("towns:\n" + "".join(towns))
    lake = folder / "lake"
    report = run_ingest(folder / "towns.yaml", lake, only=["claude"], progress=False)
    assert report.exit_code == 0, report.lines()
    wanted = ["--select", "+bridge_episode_rig", "+fct_sessions_without_episode"]
    built = dbt(
        REAL, lake, "build", "--exclude-resource-type", "test", "unit_test", *wanted, DBT_TARGET_PATH=str(folder / "target")
    )
    assert built.exit_code == 0, built.output
    opened = duckdb.connect()
    load_delta(opened)
    for model in MODELS:
        opened.execute(f"create view {model} as select * from delta_scan('{model_path(lake, model)}')")
    return opened


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """Answer of a query."""
    return connection.execute(sql).fetchall()


def test_sessions_of_no_town_are_requests_and_questions_of_a_person(connection: duckdb.DuckDBPyConnection) -> None:
    kinds = dict(rows(connection, "select kind, count(*) from fct_episodes group by kind"))
    assert kinds == {"request": 11, "question": 1}
    assert rows(connection, "select distinct role, rig from fct_episodes") == [(None, None)]
    assert rows(connection, "select count(*) from bridge_episode_rig") == [(0,)]


def test_being_told_to_go_on_begins_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    told = rows(
        connection,
        "select messages.text_head, messages.message_number > episodes.first_message_number from int_messages as messages "
        "inner join fct_episodes as episodes on episodes.session_key = messages.session_key "
        "and messages.message_number between episodes.first_message_number and episodes.last_message_number "
        "where messages.origin = 'human' and messages.agent_key = 'main' and messages.text_head like 'continue%'",
    )
    assert len(told) == 3
    assert all(is_inside for _, is_inside in told)


def test_a_question_after_the_work_stands_alone(connection: duckdb.DuckDBPyConnection) -> None:
    questions = rows(
        connection,
        "select messages.text_head, episodes.episode_number, episodes.turn_count, episodes.tool_call_count from fct_episodes "
        "as episodes inner join int_messages as messages on messages.message_key = episodes.first_message_key "
        "where episodes.kind = 'question'",
    )
    assert questions == [("did you push?", 2, 2, 0)]


def test_every_live_message_lies_in_one_episode_or_between_two(connection: duckdb.DuckDBPyConnection) -> None:
    outside = rows(
        connection,
        "select messages.entry_subtype, count(*) from int_messages as messages left join fct_episodes as episodes "
        "on episodes.session_key = messages.session_key "
        "and messages.message_number between episodes.first_message_number and episodes.last_message_number "
        "where episodes.episode_key is null and messages.agent_key = 'main' and messages.is_on_live_path "
        "and not messages.is_fork_copy group by messages.entry_subtype",
    )
    assert {subtype for subtype, _ in outside} <= {"stop_hook_summary", "turn_duration"}


def test_a_session_known_from_its_subagents_alone_says_so(connection: duckdb.DuckDBPyConnection) -> None:
    assert rows(connection, "select reason, count(*) from fct_sessions_without_episode group by reason") == [("only_subagents", 1)]


def test_every_commit_and_push_that_worked_names_its_commit(connection: duckdb.DuckDBPyConnection) -> None:
    commits = dict(
        rows(
            connection,
            "select is_error, count(*) filter (commit_sha is null) from int_town_commands "
            "where program = 'git' and verb = 'commit' group by is_error",
        )
    )
    assert commits[False] == 0
    assert commits[True] > 0


def test_commands_on_beads_name_them(connection: duckdb.DuckDBPyConnection) -> None:
    named = rows(
        connection,
        "select verb, count(*), count(*) filter (coalesce(bead_id, '') like 'spotter-%'), count(status_argument) "
        "from int_town_commands where program = 'bd' and verb in ('show', 'close', 'update') group by verb order by verb",
    )
    assert [(verb, count) for verb, count, named_count, _ in named if count != named_count] == []
    assert {verb: count for verb, count, *_ in named}["close"] == 27
    assert {verb: statuses for verb, _, _, statuses in named}["update"] == 24
