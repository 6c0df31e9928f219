"""Transcripts that grow: builds that go on give the episodes of a full build, and change a session's last ones alone."""

import shutil
from pathlib import Path

import pytest

from ingest.run import run_ingest
from lake.duck import memory
from lake.location import model_path
from lake.releases import releases
from simtown import generate
from tests.dbt.growing_lake import differing_models
from tests.dbt.projects import REAL, dbt

pytestmark = pytest.mark.slow

MODELS = {"int_town_command_words", "int_town_commands", "int_episode_ends", "int_episode_starts", "int_rig_names", "fct_episodes",
          "bridge_episode_rig", "fct_sessions_without_episode"}  # fmt: skip


def keep_beginnings(world: Path) -> None:
    """Cut the transcripts of sessions to three fifths of their lines, as they were while the agents worked."""
    for path in sorted(world.glob("*/home/*/projects/*/*.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[: max(1, len(lines) * 3 // 5)]))


def test_episodes_of_growing_sessions_are_those_of_a_full_build(tmp_path: Path) -> None:
    grown, whole, target = tmp_path / "grown/lake", tmp_path / "whole/lake", str(tmp_path / "target")
    # Builds go on only while the project stays what it was.
    project = shutil.copytree(REAL, tmp_path / "project", ignore=shutil.ignore_patterns("target", "logs"))
    generate(tmp_path / "full", size="small", towns=1)
    shutil.copytree(tmp_path / "full", tmp_path / "world")
    keep_beginnings(tmp_path / "world")
    for is_grown in (False, True):
        if is_grown:
            shutil.copytree(tmp_path / "full", tmp_path / "world", dirs_exist_ok=True)
        assert run_ingest(tmp_path / "world/towns.yaml", grown, progress=False).exit_code == 0
        built = dbt(project, grown, DBT_TARGET_PATH=target)
        assert built.exit_code == 0, built.output
    assert built.log["mode"] == "incremental"
    shutil.copytree(grown / "raw", whole / "raw")
    built = dbt(project, whole, DBT_TARGET_PATH=target)
    assert (built.exit_code, built.log["mode"]) == (0, "full"), built.output
    assert {name: rows for name, rows in differing_models(grown, whole).items() if name in MODELS} == {}

    older, newer = (
        f"delta_scan('{model_path(grown, 'fct_episodes')}', version => {release.models['fct_episodes']})"
        for release in sorted(releases(grown), key=lambda release: release.sequence)
    )
    # Which of two forks is the original may only show when both have grown.
    sessions = f"delta_scan('{model_path(grown, 'dim_sessions')}')"
    changed = (
        memory()
        .execute(
            f"with older as (select *, lead(episode_key) over (partition by session_key order by episode_number) as key_after "
            f"from {older}) "
            f"select count(*), count(newer.episode_key), count(*) filter (older.key_after is not null), "
            f"count(*) filter (older.key_after is not null and (newer.last_message_key, newer.kind, newer.episode_number, "
            f"newer.ended_at) is distinct from (older.last_message_key, older.kind, older.episode_number, older.ended_at)) "
            f"from older left join {newer} as newer using (episode_key) "
            f"inner join {sessions} as sessions on sessions.session_key = older.session_key and sessions.fork_family_key is null"
        )
        .fetchone()
    )
    assert changed is not None
    count, kept, earlier, earlier_changed = changed
    assert count > 10
    assert (kept, earlier_changed) == (count, 0)
    assert earlier > 0
