"""Telemetry that comes after the sessions it speaks of changes what is known of them, as if it had always been there."""

import shutil
from pathlib import Path

import pytest

from ingest.run import run_ingest
from simtown import generate
from tests.dbt.growing_lake import differing_models, released_rows
from tests.dbt.projects import REAL, dbt
from tests.ingest.logsql_server import serving_telemetry

pytestmark = pytest.mark.slow


def test_builds_that_go_on_give_the_rows_of_a_full_build(tmp_path: Path) -> None:
    world, grown, whole = tmp_path / "world", tmp_path / "grown/lake", tmp_path / "whole/lake"
    generate(world, size="small", towns=1, with_telemetry=True)
    for share in (0.0, 0.6, 1.0):
        with serving_telemetry(world, share):
            assert run_ingest(world / "towns.yaml", grown, progress=False).exit_code == 0
        built = dbt(REAL, grown, DBT_TARGET_PATH=str(tmp_path / "target"))
        assert built.exit_code == 0, built.output
    assert (built.log["mode"], built.model("int_telemetry_sessions")["rows_written"] > 0) == ("incremental", True)
    assert ("telemetry",) in released_rows(grown, "int_session_identity_votes", "bridge")
    shutil.copytree(grown / "raw", whole / "raw")
    built = dbt(REAL, whole, DBT_TARGET_PATH=str(tmp_path / "target"))
    assert (built.exit_code, built.log["mode"]) == (0, "full"), built.output
    assert differing_models(grown, whole) == {}
