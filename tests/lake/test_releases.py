"""Releases are rows that name versions; their ids depend on what they hold and on nothing else."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
from deltalake import DeltaTable

from lake.location import ops_path
from lake.releases import NoReleaseError, Release, content_id, find_release, releases, write_release


def release(sequence: int, release_id: str) -> Release:
    return Release(
        release_id=release_id,
        sequence=sequence,
        created_at=datetime(2026, 1, sequence, tzinfo=UTC),
        as_of=None,
        load_seq=sequence,
        code_hash="c",
        policies_hash="p",
        seeds_hash="s",
        raw={"loads": sequence},
        models={"dim_towns": 7, "fct_turns": 9},
        project_version="1.0.0",
        is_full=True,
        is_audited=True,
    )


def test_a_lake_without_releases_says_what_to_do(lake: Path) -> None:
    assert releases(lake) == []
    with pytest.raises(NoReleaseError, match="has no release yet: run `forge build`"):
        find_release(lake)


def test_releases_are_read_as_they_were_written_oldest_first(lake: Path) -> None:
    written = [release(1, "aaaa1111"), release(2, "aabb2222")]
    for each in written:
        write_release(lake, each)
    assert releases(lake) == written
    assert find_release(lake) == written[-1]


def test_a_release_is_found_by_the_beginning_of_its_id(lake: Path) -> None:
    for each in (release(1, "aaaa1111"), release(2, "aabb2222")):
        write_release(lake, each)
    assert find_release(lake, "aaa").sequence == 1
    with pytest.raises(NoReleaseError, match="2 releases of"):
        find_release(lake, "aa")
    with pytest.raises(NoReleaseError, match=r"no release of .* the newest are aaaa1111, aabb2222"):
        find_release(lake, "f")


def test_the_id_changes_with_every_part_and_with_nothing_else() -> None:
    parts = (1, "code", "policies", "seeds", {"loads": 1}, {"a": 1, "b": 2}, "1.0.0")
    others = (2, "x", "x", "x", {"loads": 2}, {"a": 1, "b": 3}, "1.0.1")
    same = content_id(1, "code", "policies", "seeds", {"loads": 1}, {"b": 2, "a": 1}, "1.0.0")
    changed = {content_id(*parts[:index], others[index], *parts[index + 1 :]) for index in range(len(parts))}  # type: ignore[arg-type]
    assert same == content_id(*parts)
    assert len({same, *changed}) == len(parts) + 1


def test_statistics_are_kept_for_ids_and_times_only(lake: Path) -> None:
    write_release(lake, dataclasses.replace(release(1, "aaaa1111"), code_hash="not in the log"))
    table = DeltaTable(str(ops_path(lake, "releases")))
    assert table.version() == 1
    log = "".join(path.read_text() for path in (ops_path(lake, "releases") / "_delta_log").glob("*.json"))
    assert "not in the log" not in log
