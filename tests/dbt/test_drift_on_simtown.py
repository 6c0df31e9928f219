"""Drift: towns of one generator are alike, a town whose agents work otherwise is told, and chance alone tells nobody."""

import random
import re
from collections.abc import Iterator

import duckdb
import pytest

from tests.dbt.conftest import TownsLake

pytestmark = pytest.mark.slow


@pytest.fixture
def drift(towns_lake: TownsLake) -> Iterator[duckdb.DuckDBPyConnection]:
    """An own connection with the seed and the episodes' mix as tables, and `drift`: what the model makes of them."""
    compiled = next((towns_lake.folder / "target/compiled").rglob("fct_town_drift.sql")).read_text(encoding="utf-8")
    with duckdb.connect() as connection:
        for name in ("int_episode_mix", "drift_thresholds"):
            rows = towns_lake.connection.table(name).arrow()  # noqa: F841 - read by the next statement
            connection.execute(f"create table {name} as select * from rows")
        plain = re.sub(r'"[^".]+"[.]"[^".]+"[.]("[^".]+")', r"\1", compiled)
        connection.execute(f"create view drift as {plain}")
        yield connection


def drifting(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Role and measure of what drifts."""
    return connection.execute("select distinct role_family, measure from drift where is_drifting order by all").fetchall()


def test_towns_of_one_generator_are_alike(towns_lake: TownsLake) -> None:
    assert towns_lake.rows("select * from fct_town_drift where is_drifting") == []
    assert (
        towns_lake.rows("select * from fct_town_drift where not divergence_low <= divergence or not divergence <= divergence_high")
        == []
    )
    judged = towns_lake.rows("select count(*), count(*) filter (where unjudged_reason is null) from fct_town_drift")
    assert judged[0][0] == 48
    assert judged[0][1] > 24


def test_every_episode_of_a_known_town_and_role_is_counted_by_length_and_outcome(towns_lake: TownsLake) -> None:
    counted = towns_lake.rows(
        "select measure, sum(item_count) from int_episode_mix where measure in ('length', 'outcome_mix') group by 1"
    )
    (episodes,) = towns_lake.rows("select count(*) from fct_episodes where town_id is not null and role_family is not null")[0]
    assert dict(counted) == {"length": 2 * episodes, "outcome_mix": episodes}


def test_a_town_whose_polecats_work_otherwise_is_told_and_its_tool_named(drift: duckdb.DuckDBPyConnection) -> None:
    assert drifting(drift) == []
    (town,) = drift.execute("select min(town_id) from int_episode_mix").fetchone() or ("",)
    drift.execute(
        "update int_episode_mix set item = 'mcp__own__shell' where item = 'Bash' and role_family = 'polecat' and town_id = ?",
        [town],
    )
    assert drifting(drift) == [("polecat", "tool_mix")]
    told = drift.execute(
        "select top_item, top_item_pool_share, is_kept_out from drift where is_drifting and town_id = ?", [town]
    ).fetchall()
    assert told == [("mcp__own__shell", 0.0, False)]
    drift.execute("update drift_thresholds set keeps_out = true where measure = 'tool_mix'")
    assert drift.execute("select count(*) from drift where is_kept_out").fetchone() == (2,)


def test_chance_alone_tells_few_towns_even_where_nothing_is_allowed(drift: duckdb.DuckDBPyConnection) -> None:
    """Sixty towns draw 25 episodes each, of one to twelve calls, from one mix of eight tools; 95 % sure is what a drift must be."""
    dice = random.Random(4)
    tools, weights = [f"tool {number}" for number in range(8)], [40, 20, 12, 9, 7, 6, 4, 2]
    rows = []
    for town in range(60):
        for episode in range(25):
            calls = dice.choices(tools, weights, k=dice.randint(1, 12))
            for number, tool in enumerate(sorted(set(calls)), start=1):
                rows.append(
                    (f"{town} {episode}", str(town), "crew", "tool_mix", tool, number, calls.count(tool), dice.randrange(32))
                )
    drift.execute("delete from int_episode_mix")
    drift.executemany(
        "insert into int_episode_mix (episode_key, town_id, role_family, measure, item, item_number, item_count, bucket) "
        "values (?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    drift.execute("update drift_thresholds set max_divergence = 0")
    told, seen, corrected = drift.execute(
        "select count(*) filter (where is_drifting), avg(measured_divergence), avg(divergence) from drift"
    ).fetchone() or (0, 0, 0)
    assert told <= 6
    # Chance alone makes the counts differ; the corrected divergence is a good deal nearer to what the towns have, which is none.
    assert 0 < corrected < seen / 3
