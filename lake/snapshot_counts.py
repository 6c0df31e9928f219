"""How a snapshot's rows came about, in numbers: for its manifest, its card, and `forge snapshot show`."""

from typing import Any

import duckdb

# Lower ends of the steps of the token histogram.
STEPS = (0, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536)

_BY_NAME = {
    # Every episode that was ever looked at, in or out.
    "episodes": """
        select coalesce(excluded_reason, 'kept') as name, count(*) as number from main.fct_selection group by all
    """,
    # Examples of kept episodes that are not in the files, once for each scope they are not in.
    "left_out": """
        select scope || ': ' || excluded_reason, count(*) from main.snapshot_rows where excluded_reason is not null group by all
    """,
    "outcomes": "select coalesce(outcome, 'unknown'), count(distinct example_key) from chosen_sft group by all",
    "roles": "select role_family, count(distinct example_key) from chosen_sft group by all",
    "startups": "select coalesce(startup, 'several'), count(distinct example_key) from chosen_sft group by all",
    "splits": "select split, count(distinct example_key) from chosen_sft group by all",
}
_NUMBERS = """
select
    count(distinct example_key) as examples,
    count(distinct episode_key) as chosen_episodes,
    count(distinct group_key) as groups,
    count(distinct town_id) as towns,
    (select count(*) from chosen_preference) as pairs
from chosen_sft
"""
_TOKENS = """
with
examples as (select distinct example_key, token_count from chosen_sft),
steps as (select unnest(?) as low)
select low, count(example_key)
from examples
asof join steps on examples.token_count >= steps.low
group by low
order by low
"""
_REDACTIONS = """
select rule, count(*) from raw.redactions where town_id in (select town_id from chosen_sft) group by all
"""
_CONSENT = "select learn, count(*) from main.dim_startups group by all"


def count_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Counts over what `lake.snapshot_source.ReleaseRows` has chosen on this connection.

    `redactions` (values replaced in the towns the examples come from, by rule) and `consent` (the lake's startups by what they
    allow) are there as far as the release has their tables.
    """
    relations = connection.execute("select table_schema || '.' || table_name from information_schema.tables").fetchall()
    there = {name for (name,) in relations}
    queries = dict(_BY_NAME)
    queries |= {"redactions": _REDACTIONS} if "raw.redactions" in there else {}
    queries |= {"consent": _CONSENT} if "main.dim_startups" in there else {}
    counts: dict[str, Any] = {name: _pairs(connection, query) for name, query in queries.items()}
    result = connection.execute(_NUMBERS)
    names = [column[0] for column in result.description]
    counts |= dict(zip(names, result.fetchall()[0], strict=True))
    counts["tokens"] = [list(step) for step in connection.execute(_TOKENS, [list(STEPS)]).fetchall()]
    return counts


def _pairs(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    return {str(name): number for name, number in sorted(connection.execute(query).fetchall(), key=lambda row: (-row[1], row[0]))}
