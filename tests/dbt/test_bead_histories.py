"""Beads and town events come in any order, from several towns and sources: the models end with the same rows."""

import shutil
from pathlib import Path

import pytest

from lake.releases import find_release
from tests.dbt.bead_histories import history, written_at
from tests.dbt.growing_lake import append_load, differing_models, released_rows
from tests.dbt.projects import REAL, Built, dbt

STEPS = 3
BEADS = ("fct_bead_events", "fct_merge_requests", "fct_attempts", "dim_beads", "_beads_marts__unit_tests")
# What stands in for the models that tell whose database is whose, which need transcripts.
DATABASES = {
    "dim_rigs": "select 'shared' as beads_project_id, 'gastown' as rig, min(prefix) as prefix "
    "from {{ ref('stg_town__rigs') }} having count(*) > 0",
    "dim_towns": "select cast(null as varchar) as hq_project_id",
}
IDENTITY = ("int_town_role_paths", "int_session_starts", "int_rig_prefixes", "int_tmux_names_seen", "int_tmux_names",
            "int_event_sightings")  # fmt: skip

pytestmark = pytest.mark.slow


def beads_project(folder: Path) -> Path:
    """The part of the real project that needs no transcripts."""
    for name in (
        "macros",
        "models/staging/beads",
        "models/staging/telemetry",
        "models/staging/town",
        "models/intermediate/beads",
        "tests/beads",
        "tests/generic",
    ):
        shutil.copytree(REAL / name, folder / name)
    for name in ("dbt_project.yml", "profiles.yml", "models/staging/_raw__sources.yml"):
        shutil.copy(REAL / name, folder / name)
    shutil.copytree(REAL / "seeds", folder / "seeds", ignore=lambda _, names: {n for n in names if not n.startswith("merge_")})
    for place, names in (
        ("intermediate/identity", IDENTITY),
        ("marts/towns", ("bridge_town_database",)),
        ("marts/beads", BEADS),
    ):
        (folder / "models" / place).mkdir(parents=True)
        for name in names:
            for ending in ("sql", "yml"):
                if (REAL / "models" / place / f"{name}.{ending}").exists():
                    shutil.copy(REAL / "models" / place / f"{name}.{ending}", folder / "models" / place)
    for name, sql in DATABASES.items():
        text = "{{ config(materialized='view') }}\n" + sql + "\n"
        (folder / "models/marts/towns" / f"{name}.sql").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Built]]:
    """A lake that was built after each load, one that was built once, and what the builds of the first said."""
    folder = tmp_path_factory.mktemp("bead_histories")
    project = beads_project(folder / "project")
    grown, whole, builds = folder / "grown/lake", folder / "whole/lake", []
    for number, rows in enumerate(history(seed=11, beads=60, steps=STEPS), start=1):
        append_load(grown, number, rows)
        append_load(whole, number, rows)
        builds.append(dbt(project, grown))
    last = dbt(project, whole)
    assert last.exit_code == 0, last.output
    return grown, whole, builds


def test_every_build_is_green_and_goes_on_from_the_one_before(lakes: tuple[Path, Path, list[Built]]) -> None:
    assert [build.exit_code for build in lakes[2]] == [0] * STEPS, [build.output[-3000:] for build in lakes[2]]
    assert [build.log["mode"] for build in lakes[2]] == ["full", *["incremental"] * (STEPS - 1)]


def test_a_grown_lake_holds_the_rows_of_a_full_build(lakes: tuple[Path, Path, list[Built]]) -> None:
    assert find_release(lakes[1]).is_full
    assert differing_models(lakes[0], lakes[1]) == {}


def test_two_towns_that_share_a_database_have_one_bead(lakes: tuple[Path, Path, list[Built]]) -> None:
    keys = released_rows(lakes[0], "int_beads", "beads_project_id, bead_id")
    assert len(keys) == len(set(keys))
    assert len([bead for _, bead in keys if "wisp" not in bead]) == 60
    assert released_rows(lakes[0], "bridge_town_database", "town_id, beads_project_id, source") == [
        (town, "shared", source) for town in "ab" for source in ("dolt", "jsonl")
    ]


def test_no_event_is_told_twice(lakes: tuple[Path, Path, list[Built]]) -> None:
    events = released_rows(lakes[0], "stg_beads__events", "beads_project_id, bead_id, event_id")
    assert len(events) == len(set(events))


def test_names_that_came_before_their_prefix_are_read_once_it_is_known(lakes: tuple[Path, Path, list[Built]]) -> None:
    named = dict(released_rows(lakes[0], "int_tmux_names", "concat(town_id, ' ', tmux_name), address"))
    assert named["a gt-crew-max"] == "gastown/crew/max"
    assert named["a gt-nux"] == "gastown/polecats/nux"
    assert named["b gt-nux"] is None
    assert named["b hq-boot"] == "deacon/boot"


def test_times_that_two_servers_wrote_are_true_or_unknown(lakes: tuple[Path, Path, list[Built]]) -> None:
    found = released_rows(lakes[0], "fct_bead_events", "bead_id, occurred_at, changed_at_as_recorded, occurred_at_evidence")
    known = [row for row in found if row[1] is not None]
    wrong = [row for row in known if written_at(int(row[0].removeprefix("gt-")), row[1]) != f"{row[2]:%Y-%m-%dT%H:%M:%SZ}"]
    assert wrong == []
    # Three clocks in one day: without a pair of times of its own an event has none.
    assert len(known) > 0.5 * len(found)
    assert {row[3] for row in found} >= {"own_pair", "none"}


def test_a_bead_that_two_towns_sync_has_one_life(lakes: tuple[Path, Path, list[Built]]) -> None:
    beads = released_rows(lakes[0], "dim_beads", "beads_project_id, bead_id")
    assert len(beads) == len(set(beads))
    closings = released_rows(lakes[0], "fct_bead_events", "bead_id, event_id")
    assert len(closings) == len(set(closings))
