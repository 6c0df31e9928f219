"""The models find in synthetic towns what simtown knows it put there."""

import json
from pathlib import Path
from typing import Any

import pytest

from simtown import generate
from tests.dbt.claude_lake import ClaudeLake, TranscriptFile


def transcripts(home: Path, town: str) -> list[TranscriptFile]:
    """The transcript files of a home; lines that are no JSON objects are the loaders' business and left out."""
    files = []
    for path in sorted(home.rglob("*.jsonl")):
        lines = []
        for line in path.read_bytes().decode("utf-8", "replace").split("\n"):
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                lines.append(value)
        files.append(TranscriptFile(path.relative_to(home).as_posix(), lines, town))
    return files


def truth(folder: Path, name: str) -> list[dict[str, Any]]:
    """Rows of one of the truth's files."""
    return [json.loads(line) for line in (folder / "truth" / f"{name}.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small towns."""
    folder = tmp_path_factory.mktemp("world")
    generate(folder, size="small")
    return folder


@pytest.fixture(scope="module")
def town_lake(world: Path, tmp_path_factory: pytest.TempPathFactory) -> ClaudeLake:
    """A lake with their transcripts."""
    work = tmp_path_factory.mktemp("simtown_lake")
    lake = ClaudeLake(work / "lake", work)
    towns = sorted({row["town"] for row in truth(world, "sessions")})
    homes = [(home, town) for town in towns for home in sorted((world / town / "home").iterdir()) if home.is_dir()]
    lake.load(file for home, town in homes for file in transcripts(home, town))
    lake.dbt("build")
    return lake


def test_every_session_has_its_calls_errors_and_tokens(world: Path, town_lake: ClaudeLake) -> None:
    rows = town_lake.query(
        """
        with responses as (
            select session_key, count(*) as responses, sum(output_tokens) as output_tokens, sum(input_tokens) as input_tokens,
            sum(cache_read_tokens) as cache_read_tokens from int_api_responses
            where not is_subagent and not is_fork_copy and not is_api_error and coalesce(model, '') <> '<synthetic>' group by all
        ), calls as (
            select session_key, count(*) as calls, count(*) filter (is_error) as errors from fct_tool_calls
            where not is_subagent and not is_fork_copy group by all
        )
        select town_id || ' ' || session_id, coalesce(responses, 0), coalesce(calls, 0), coalesce(errors, 0),
        coalesce(output_tokens, 0), coalesce(input_tokens, 0), coalesce(cache_read_tokens, 0)
        from int_sessions left join responses using (session_key) left join calls using (session_key)
        """
    )
    found = {row[0]: tuple(int(number) for number in row[1:]) for row in rows}
    names = ("responses", "tool_calls", "tool_errors", "output_tokens", "input_tokens", "cache_read_input_tokens")
    expected = {f"{row['town']} {row['session_id']}": tuple(row[name] for name in names) for row in truth(world, "sessions")}
    assert expected
    assert {key: found.get(key) for key in expected} == expected


def test_forks_and_resumed_sessions_know_their_original(world: Path, town_lake: ClaudeLake) -> None:
    rows = town_lake.query(
        """select copies.session_id, originals.session_id from int_sessions as copies
        join int_sessions as originals using (fork_family_key) where copies.is_fork and not originals.is_fork"""
    )
    assert sorted(rows) == sorted((row["session_id"], row["fork_of"]) for row in truth(world, "forks"))


def test_subagents_know_the_call_that_started_them(world: Path, town_lake: ClaudeLake) -> None:
    rows = town_lake.query(
        """select agents.agent_key, calls.call_id from int_subagents as agents
        join fct_tool_calls as calls on calls.tool_call_key = agents.parent_tool_call_key where agent_kind = 'task'"""
    )
    expected = {(row["agent_id"], row["tool_use_id"]) for row in truth(world, "subagents") if row["tool_use_id"]}
    assert expected <= set(rows)


def test_placeholder_sessions_are_not_trusted(world: Path, town_lake: ClaudeLake) -> None:
    flagged = {row["session_id"] for row in truth(world, "sessions") if row["has_placeholder_usage"]}
    rows = town_lake.query(
        """select session_id, count(*) filter (is_output_placeholder) / count(*) from int_api_responses
        join int_sessions using (session_key) where not is_subagent and coalesce(model, '') <> '<synthetic>' group by all"""
    )
    shares = dict(rows)
    assert all(shares[session] > 0.9 for session in flagged if session in shares)
    assert all(share < 0.05 for session, share in shares.items() if session not in flagged)
