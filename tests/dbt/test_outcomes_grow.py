"""Outcomes change after their session has ended: a merge, a reopening, a death. Builds that go on must see it."""

from pathlib import Path

import pytest

from tests.dbt.conftest import TownsLake
from tests.dbt.grown_project import differences_to_full_build, grow
from tests.dbt.projects import REAL

STEPS = 2


@pytest.mark.slow
def test_outcomes_of_a_growing_lake_are_those_of_one_full_build(
    towns_lake: TownsLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file of two towns comes in halves: sessions before their ends, beads before their merges."""
    for name, value in {"DBT_TARGET_PATH": str(tmp_path / "target"), **towns_lake.policy}.items():
        monkeypatch.setenv(name, value)
    lake = tmp_path / "grown" / "lake"
    builds = grow(REAL, towns_lake.lake, lake, steps=STEPS)
    assert [build.log["mode"] for build in builds] == ["full"] + ["incremental"] * (STEPS - 1)
    differing = differences_to_full_build(REAL, towns_lake.lake, lake, tmp_path / "whole", steps=STEPS)
    parts = ("outcome", "attempt_evidence", "patrol", "agent_deaths", "_evidence", "episode_mix", "town_drift", "consent")
    assert {model: rows for model, rows in differing.items() if any(part in model for part in parts)} == {}
