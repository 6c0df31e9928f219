"""The analysts' file: documented views over one release, for any DuckDB with the delta extension."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from lake.catalog import write_catalog
from lake.dictionary import write_dictionary
from lake.duck import NoCatalogError, connect, delta_extension
from lake.releases import NoReleaseError, find_release, releases
from lake.report import write_report
from lake.status_learning import Learning, find_learning
from tests.dbt.growing_lake import append_load, events
from tests.dbt.projects import dbt, toy_project

DUCKDB = Path(sys.executable).with_name("duckdb")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with two releases of the toy project."""
    folder = tmp_path_factory.mktemp("catalog")
    project, lake = toy_project(folder / "project"), folder / "lake"
    for number in (1, 2):
        append_load(lake, number, events(town="a", actors=[f"actor-{number}"], start=number))
        done = dbt(project, lake)
        assert done.exit_code == 0, done.output
    return lake


def ask(database: Path, *statements: str, home: Path) -> str:
    """Run statements in the stock DuckDB command line with an empty home; returns its output as CSV."""
    command = [str(DUCKDB), "-readonly", "-csv", "-noheader", str(database)]
    for statement in statements:
        command += ["-c", statement]
    done = subprocess.run(
        command, env={"HOME": str(home), "PATH": os.defpath}, cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_there_is_no_file_without_a_release(lake: Path) -> None:
    with pytest.raises(NoReleaseError):
        write_catalog(lake)
    with pytest.raises(NoCatalogError, match="run `forge build`"):
        connect(lake)


def test_every_layer_is_there_under_its_own_schema(built: Path) -> None:
    write_catalog(built)
    with connect(built) as analyst:
        found = analyst.execute("select schema_name || '.' || view_name from duckdb_views() where not internal").fetchall()
        tables = analyst.execute("select count(*) from duckdb_tables()").fetchall()
    assert {name for (name,) in found} >= {
        "main.dim_towns",
        "main.fct_actors_seen_once",
        "intermediate.int_events",
        "staging.stg_events",
        "seeds.weights",
        "raw.town_events",
        "raw.loads",
        "ops.releases",
    }
    assert tables == [(0,)]


def test_every_view_answers(built: Path) -> None:
    write_catalog(built)
    with connect(built) as analyst:
        for schema, name in analyst.execute("select schema_name, view_name from duckdb_views() where not internal").fetchall():
            analyst.execute(f'select * from "{schema}"."{name}"').fetchall()
        assert analyst.execute("select sum(weight) from seeds.weights").fetchall() == [(3,)]
        assert analyst.execute("select count(*) from staging.stg_events").fetchall() == [(2,)]


def test_views_and_columns_carry_their_comments(built: Path) -> None:
    write_catalog(built)
    with connect(built) as analyst:
        assert analyst.execute("select comment from duckdb_views() where view_name = 'dim_towns'").fetchall() == [
            ("""It's a town's "first" moment. One row per town.""",)
        ]
        columns = dict(
            analyst.execute("select column_name, comment from duckdb_columns() where table_name = 'town_events'").fetchall()
        )
        described = analyst.execute("select comment from duckdb_columns() where table_name = 'dim_towns'").fetchall()
    assert ("The town's id.",) in described
    assert all(columns.values())


def test_the_stock_command_line_opens_it_with_an_empty_home(built: Path, tmp_path: Path) -> None:
    path = write_catalog(built)
    question = "select town_id, first_at < as_of from dim_towns"
    assert ask(path, f"load '{delta_extension()}'", question, home=tmp_path).splitlines() == ["a,true"]


def test_once_the_extension_is_installed_nothing_need_be_loaded(built: Path, tmp_path: Path) -> None:
    path = write_catalog(built)
    ask(path, f"install '{delta_extension()}'", home=tmp_path)
    assert ask(path, "select count(*) from intermediate.int_events", home=tmp_path) == "2"


def test_it_works_attached_under_another_name(built: Path) -> None:
    path = write_catalog(built)
    with duckdb.connect() as connection:
        connection.execute(f"load '{delta_extension()}'")
        connection.execute(f"attach '{path}' as other (read_only)")
        assert connection.execute("select count(*) from other.staging.stg_events").fetchall() == [(2,)]


def test_a_root_makes_it_work_where_the_lake_is_mounted_elsewhere(built: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "mounted here"
    path = write_catalog(built, path=tmp_path / "for_others.duckdb", root=str(elsewhere))
    shutil.copytree(built, elsewhere)
    shutil.move(built / "models", built / "moved")
    try:
        assert ask(path, f"load '{delta_extension()}'", "select count(*) from intermediate.int_events", home=tmp_path) == "2"
    finally:
        shutil.move(built / "moved", built / "models")


def test_an_earlier_release_can_be_opened(built: Path, tmp_path: Path) -> None:
    (first,) = [row for row in [find_release(built)] if row.sequence == 2]
    with connect(write_catalog(built).parent) as analyst:
        ids = [row[0] for row in analyst.execute("select release_id from ops.releases order by sequence").fetchall()]
        assert ids[-1] == first.release_id
    path = write_catalog(built, release=ids[0], path=tmp_path / "earlier.duckdb")
    assert ask(path, f"load '{delta_extension()}'", "select actor from intermediate.int_events", home=tmp_path) == "actor-1"


def test_the_dictionary_tells_every_table_its_columns_and_lineage(built: Path) -> None:
    page = write_dictionary(built).read_text(encoding="utf-8")
    assert page.count("<h3") == len(set(page.split('<h3 id="')[1:])) >= 14
    assert "It&#x27;s a town&#x27;s &quot;first&quot; moment. One row per town." in page
    assert '<h3 id="main.fct_actors_seen_once">fct_actors_seen_once</h3>' in page
    assert 'Made from <a href="#intermediate.int_actors_seen">' in page
    assert "http" not in page


def test_a_release_without_the_tables_of_learning_has_a_report_of_its_own(built: Path, tmp_path: Path) -> None:
    """Also an earlier one, and a lake that has no snapshots."""
    known = releases(built)
    assert len(known) == 2
    for release in known:
        page = write_report(built, release=release.release_id, path=tmp_path / "new" / "page.html").read_text(encoding="utf-8")
        assert f"<title>LoRA Forge report: release {release.release_id}</title>" in page
        assert "No selection in this release." in page
        assert "No snapshot was cut from this lake yet." in page
    assert not list((tmp_path / "new").glob(".*"))
    assert write_report(built) == built / "report.html"
    assert find_learning(built, known[-1]) == Learning()


def test_what_a_build_read_of_the_release_before_is_no_part_of_its_own(built: Path, tmp_path: Path) -> None:
    views = "select count(*) from duckdb_views() where view_name = 'int_events_before'"
    for release, shown in zip(releases(built), ("1", "0"), strict=True):
        path = write_catalog(built, release=release.release_id, path=tmp_path / f"{release.release_id}.duckdb")
        assert ask(path, views, home=tmp_path) == shown
