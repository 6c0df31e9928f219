"""Builds that go on from a release give the rows a build from nothing gives, and touch only what is new."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lake.releases import find_release, releases
from tests.dbt.growing_lake import FIRST_SECOND, append_load, differing_models, events, released_rows
from tests.dbt.projects import Built, dbt, toy_project

OLD = [f"old-{number}" for number in range(5000)]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Built]]:
    """A lake that was built when it was empty, after each of three loads, and once more; with what each build said."""
    folder = tmp_path_factory.mktemp("history")
    project, lake = toy_project(folder / "project"), folder / "lake"
    builds = [dbt(project, lake)]
    append_load(lake, 1, events(town="a", actors=[*OLD, None, "twice"], start=0))
    builds.append(dbt(project, lake))
    append_load(lake, 2, events(town="a", actors=["new", "twice", None], start=10_000))
    append_load(lake, 3, events(town="b", actors=["only"], start=20_000), is_complete=False)
    builds.append(dbt(project, lake))
    builds.append(dbt(project, lake))
    return project, lake, builds


def test_every_build_is_green(history: tuple[Path, Path, list[Built]]) -> None:
    assert [(build.exit_code, build.log["outcome"]) for build in history[2]] == [
        (0, "published"),
        (0, "published"),
        (0, "published"),
        (0, "unchanged"),
    ], [build.output for build in history[2]]


def test_the_first_build_is_full_and_says_why(history: tuple[Path, Path, list[Built]]) -> None:
    first = history[2][0]
    assert (first.log["mode"], first.log["reason"]) == ("full", "this lake has no release yet")


def test_an_empty_lake_has_empty_tables_with_their_columns(history: tuple[Path, Path, list[Built]]) -> None:
    assert history[2][0].model("int_events")["rows_written"] == 0
    assert releases(history[1])[0].as_of is None


def test_as_of_is_the_newest_recorded_time_of_complete_loads(history: tuple[Path, Path, list[Built]]) -> None:
    assert find_release(history[1]).as_of == datetime.fromtimestamp(FIRST_SECOND + 10_002, UTC)


def test_later_builds_go_on_from_the_release(history: tuple[Path, Path, list[Built]]) -> None:
    assert [(build.log["mode"], build.log["watermark"], build.log["load_seq"]) for build in history[2][1:]] == [
        ("incremental", 0, 1),
        ("incremental", 1, 2),
        ("incremental", 2, 2),
    ]


def test_rows_of_a_load_that_is_not_complete_are_not_read(history: tuple[Path, Path, list[Built]]) -> None:
    assert released_rows(history[1], "dim_towns", "town_id") == [("a",)]


def test_new_rows_are_appended_without_touching_old_files(history: tuple[Path, Path, list[Built]]) -> None:
    appended = history[2][2].model("int_events")
    assert (appended["rows_written"], appended["rows_rewritten"], appended["files_removed"]) == (3, 0, 0)


def test_only_the_files_of_touched_keys_are_rewritten(history: tuple[Path, Path, list[Built]]) -> None:
    exchanged = history[2][2].model("int_actors_seen")
    assert exchanged["files_removed"] == 1
    assert 0 < exchanged["rows_rewritten"] <= 2048
    assert exchanged["index_bytes"] > 0


def test_a_build_without_news_commits_nothing(history: tuple[Path, Path, list[Built]]) -> None:
    last = history[2][3].log["models"]
    assert not any(model["is_changed"] for model in last.values())
    assert len(releases(history[1])) == 3


def test_keys_whose_rows_vanish_are_deleted_and_null_is_a_key(history: tuple[Path, Path, list[Built]]) -> None:
    once = {actor for (actor,) in released_rows(history[1], "fct_actors_seen_once", "actor")}
    assert once == {*OLD, "new"}


def test_a_full_refresh_gives_equal_rows(history: tuple[Path, Path, list[Built]], tmp_path: Path) -> None:
    project, lake, _ = history
    other = tmp_path / "lake"
    append_load(other, 1, events(town="a", actors=[*OLD, None, "twice"], start=0))
    append_load(other, 2, events(town="a", actors=["new", "twice", None], start=10_000))
    append_load(other, 3, events(town="b", actors=["only"], start=20_000), is_complete=False)
    assert dbt(project, other, "--full-refresh").exit_code == 0
    assert differing_models(lake, other) == {}
