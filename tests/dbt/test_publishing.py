"""Write, audit, publish: only a complete green build becomes a release, and whatever fails leaves the last one in place."""

import os
import shutil
from pathlib import Path

import pytest

from lake.build_kill_points import BUILD_POINTS, ENVIRONMENT
from lake.catalog import write_catalog
from lake.duck import connect
from lake.locks import lock
from lake.releases import find_release, releases
from tests.dbt.growing_lake import append_load, differing_models, events, released_rows
from tests.dbt.projects import dbt, toy_project

FIRST = events(town="a", actors=["mayor", "twice"], start=0)
SECOND = events(town="a", actors=["twice", "new"], start=100)
FORBIDDEN = events(town="a", actors=["forbidden"], start=200)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_project(tmp_path_factory.mktemp("toy") / "project")


@pytest.fixture(scope="module")
def published(project: Path) -> Path:
    """A lake with one load, built and published."""
    lake = project.parent / "published"
    append_load(lake, 1, FIRST)
    done = dbt(project, lake)
    assert done.exit_code == 0, done.output
    return lake


@pytest.fixture(scope="module")
def expected(project: Path) -> Path:
    """A lake with both loads, built from nothing."""
    lake = project.parent / "expected"
    append_load(lake, 1, FIRST)
    append_load(lake, 2, SECOND)
    done = dbt(project, lake)
    assert done.exit_code == 0, done.output
    return lake


@pytest.fixture
def lake(published: Path, tmp_path: Path) -> Path:
    """A lake of its own with one load, published."""
    return shutil.copytree(published, tmp_path / "lake")


def test_a_failing_test_publishes_nothing_and_the_next_build_is_right(project: Path, lake: Path) -> None:
    first = find_release(lake).release_id
    append_load(lake, 2, FORBIDDEN)
    failed = dbt(project, lake)
    assert (failed.exit_code, failed.log["outcome"]) == (1, "failed")
    assert f"nothing is published, release {first} stays" in failed.output
    assert [release.release_id for release in releases(lake)] == [first]
    assert {actor for (actor,) in released_rows(lake, "int_actors_seen", "actor")} == {"mayor", "twice"}


def test_a_build_of_a_part_publishes_nothing(project: Path, lake: Path) -> None:
    first = find_release(lake).release_id
    append_load(lake, 2, SECOND)
    part = dbt(project, lake, "--select", "int_events")
    assert (part.exit_code, part.log["outcome"], part.log["mode"]) == (0, "partial", "full")
    assert "Not everything was built: nothing is published" in part.output
    assert [release.release_id for release in releases(lake)] == [first]


def test_changed_code_makes_a_full_build_that_says_so(project: Path, lake: Path, tmp_path: Path) -> None:
    project = shutil.copytree(project, tmp_path / "project")
    first = find_release(lake).release_id
    model = project / "models" / "marts" / "dim_towns.sql"
    model.write_text(model.read_text(encoding="utf-8").replace("min(recorded_at)", "max(recorded_at)"), encoding="utf-8")
    changed = dbt(project, lake)
    assert (changed.exit_code, changed.log["mode"]) == (0, "full")
    assert changed.log["reason"] == f"the code is not the one of release {first}"
    assert f"the code is not the one of release {first}" in changed.output


@pytest.mark.slow
def test_tests_of_an_incremental_build_look_at_touched_keys_and_an_audit_at_all(project: Path, lake: Path) -> None:
    append_load(lake, 2, SECOND)
    assert dbt(project, lake).exit_code == 0
    folder = project / "target" / "compiled" / "forge" / "models"
    compiled = next((folder / "marts" / "marts.yml").glob("unique_dim_towns_*.sql"))
    assert '"touched"."dim_towns"' in compiled.read_text(encoding="utf-8")
    staged = next((folder / "staging" / "stg_events.yml").glob("not_null_*.sql"))
    assert "load_seq > 1" in staged.read_text(encoding="utf-8")
    audit = dbt(project, lake, "--vars", '{"audit": true}')
    assert (audit.exit_code, audit.log["mode"], audit.log["is_audit"]) == (0, "incremental", True)
    assert '"touched"' not in compiled.read_text(encoding="utf-8")
    assert "load_seq > 1" not in staged.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    [
        "files_written:int_actors_seen",
        "model_committed:int_events",
        pytest.param("release_described", marks=pytest.mark.slow),
        pytest.param("release_written", marks=pytest.mark.slow),
    ],
)
def test_a_build_killed_anywhere_leaves_the_old_release_readable_and_the_next_build_right(
    project: Path, lake: Path, expected: Path, point: str
) -> None:
    assert point.split(":")[0] in BUILD_POINTS
    first = find_release(lake).release_id
    write_catalog(lake)
    append_load(lake, 2, SECOND)
    killed = dbt(project, lake, **{ENVIRONMENT: point})
    assert killed.exit_code == -9
    with connect(lake) as analyst:
        assert sorted(analyst.execute("select actor from intermediate.int_actors_seen").fetchall()) == [("mayor",), ("twice",)]
    is_published = point == "release_written"
    assert len(releases(lake)) == (2 if is_published else 1)
    again = dbt(project, lake)
    assert (again.exit_code, again.log["mode"]) == (0, "incremental"), again.output
    assert again.log["outcome"] == ("unchanged" if is_published else "published")
    assert len(releases(lake)) == 2
    assert first != find_release(lake).release_id
    assert differing_models(lake, expected) == {}


def test_a_second_build_is_told_who_holds_the_lock(project: Path, lake: Path) -> None:
    with lock(lake, "build"):
        second = dbt(project, lake)
    assert second.exit_code != 0
    assert f"build is locked by process {os.getpid()} on " in second.output


def test_a_build_needs_neither_a_home_nor_a_network(project: Path, lake: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    done = dbt(project, lake, HOME=str(home))
    assert done.exit_code == 0, done.output
    assert not (home / ".duckdb").exists()


def test_reading_goes_on_while_a_build_writes_and_the_file_is_swapped(project: Path, lake: Path) -> None:
    with connect(write_catalog(lake).parent) as analyst:
        question = "select count(*) from intermediate.int_events"
        assert analyst.execute(question).fetchall() == [(2,)]
        append_load(lake, 2, SECOND)
        assert dbt(project, lake).exit_code == 0
        write_catalog(lake)
        assert analyst.execute(question).fetchall() == [(2,)]
    with connect(lake) as later:
        assert later.execute(question).fetchall() == [(4,)]
