"""A withdrawal and an end of consent take effect in the next build, which goes on from the last and touches nothing else."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from ingest.run import run_ingest
from lake.governance import ENVIRONMENT
from lake.releases import find_release
from simtown import generate
from tests.dbt.growing_lake import append_load, differing_models, events, released_rows
from tests.dbt.projects import REAL, dbt

pytestmark = pytest.mark.slow

POLICY = """
startups:
- {{name: alpha/hq, learn: shared}}
- {{name: beta/hq, learn: shared}}
- {{name: lantern, rigs: {{alpha: [lantern_api]}}, learn: own, expires: 2026-05-01}}
- {{name: mill, rigs: {{alpha: [mill], beta: [mill]}}, learn: {mill}}}
- {{name: sfgastown, rigs: {{alpha: [sfgastown]}}, learn: shared}}
"""
JUDGED = ("dim_startups", "dim_consent", "bridge_rig_startup", "int_episode_consent", "int_episode_candidates",
          "int_selection_caps", "fct_selection")  # fmt: skip


def reasons(lake: Path, startup: str) -> set[str | None]:
    rows = released_rows(lake, "int_episode_consent", "startups, consent_reason")
    return {reason for startups, reason in rows if startup in startups.split(", ")}


def test_a_changed_policy_takes_effect_in_the_next_build_and_touches_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, policy = tmp_path / "grown/lake", tmp_path / "governance.yaml"
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    monkeypatch.setenv(ENVIRONMENT, str(policy))
    # Builds go on only while the project stays what it was.
    project = shutil.copytree(REAL, tmp_path / "project", ignore=shutil.ignore_patterns("target", "logs"))
    generate(tmp_path / "world", size="small")
    assert run_ingest(tmp_path / "world/towns.yaml", lake, progress=False).exit_code == 0
    policy.write_text(POLICY.format(mill="shared"))
    first = dbt(project, lake)
    assert first.exit_code == 0, first.output
    owners = Counter(startups for (startups,) in released_rows(lake, "int_episode_consent", "startups"))
    assert {"lantern", "mill", "sfgastown", "beta/orchard", "beta/ferry", "alpha/hq"} <= set(owners)
    assert reasons(lake, "mill") == {None}
    episodes = released_rows(lake, "fct_selection", "episode_key")

    policy.write_text(POLICY.format(mill="none") + "unknown_rigs: none\n")
    second = dbt(project, lake)
    assert (second.exit_code, second.log["mode"], second.log["outcome"]) == (0, "incremental", "published"), second.output
    for startup in ("mill", "beta/orchard", "beta/ferry"):
        assert reasons(lake, startup) == {"no_consent"}
    assert None in reasons(lake, "sfgastown")
    assert released_rows(lake, "fct_selection", "episode_key") == episodes
    refused = {key for key, reason in released_rows(lake, "int_episode_consent", "episode_key, consent_reason") if reason}
    stages = released_rows(lake, "fct_selection", "episode_key, excluded_stage")
    assert {key for key, stage in stages if stage == "consent"} == refused
    assert not refused & {key for (key,) in released_rows(lake, "fct_examples", "episode_key")}
    # Models that know nothing of consent stay as they are.
    for model in ("int_messages", "fct_turns", "fct_episodes", "fct_episode_scores", "int_conversations"):
        assert not second.model(model)["is_changed"], model

    # Time goes on past the end of a consent, and nothing else happens.
    release = find_release(lake)
    assert release.as_of is not None
    assert release.as_of.isoformat() < "2026-05-01"
    assert None in reasons(lake, "lantern")
    append_load(lake, release.load_seq + 1, events(town="elsewhere", actors=[None], start=121 * 86_400))
    third = dbt(project, lake)
    assert (third.exit_code, third.log["mode"]) == (0, "incremental"), third.output
    assert reasons(lake, "lantern") == {"consent_expired"}

    whole = tmp_path / "whole/lake"
    shutil.copytree(lake / "raw", whole / "raw")
    full = dbt(project, whole)
    assert (full.exit_code, full.log["mode"]) == (0, "full"), full.output
    assert {name: rows for name, rows in differing_models(lake, whole).items() if name in JUDGED} == {}
