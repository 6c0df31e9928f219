"""The policy is part of a release: another text makes another release, a lost one makes none."""

from pathlib import Path

import pytest

from lake.governance import ENVIRONMENT
from lake.release_description import read_policy
from lake.releases import find_release
from tests.dbt.growing_lake import append_load, events
from tests.dbt.projects import dbt, toy_project

pytestmark = pytest.mark.slow

ACME = "startups:\n- {name: acme, rigs: {town: [rig]}, learn: %s}\n"


def test_another_policy_makes_another_release_on_top_and_a_lost_one_none(tmp_path: Path, lake: Path) -> None:
    project, policy = toy_project(tmp_path / "project"), tmp_path / "policies" / "mine.yaml"
    append_load(lake, 1, events(town="t", actors=["a"], start=0))
    policy.parent.mkdir()
    policy.write_text(ACME % "own")
    first = dbt(project, lake, **{ENVIRONMENT: str(policy)})
    assert first.exit_code == 0, first.output
    assert f"Who may learn: {policy}." in first.output
    older = find_release(lake)
    policy.write_text(ACME % "none")
    second = dbt(project, lake, **{ENVIRONMENT: str(policy)})
    assert (second.exit_code, second.log["mode"], second.log["outcome"]) == (0, "incremental", "published"), second.output
    newer = find_release(lake)
    assert newer.release_id != older.release_id
    assert newer.models == older.models
    assert [read_policy(lake, release.release_id) for release in (older, newer)] == [ACME % "own", ACME % "none"]
    lost = dbt(project, lake)
    assert lost.exit_code != 0
    assert "a policy that names acme" in lost.output
    assert find_release(lake) == newer
    policy.write_text("startups: acme\n")
    bad = dbt(project, lake, **{ENVIRONMENT: str(policy)})
    assert bad.exit_code != 0
    assert f"{policy}:1: startups: must be a list of startups; it is text" in bad.output
