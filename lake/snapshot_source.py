"""What a release would export: the rows of `snapshot_rows` and `snapshot_pairs` with their texts, in the order of the files.

Which row goes where is decided in SQL, by the models; here it is filtered by what was asked for, put in order, and read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from lake.snapshot_layout import Format, Part
from lake.snapshot_rows import Row, messages_of
from lake.snapshot_spool import BUCKET, PLACE, Spool

# Tokens per bucket of the spool, some 40 MB of text, and how many bucket files may be open at once.
BUCKET_TOKENS = 10_000_000
BUCKETS = 400
# Rows that the database hands over at a time.
FETCH_ROWS = 1_024
NEEDED = ("snapshot_rows", "snapshot_pairs", "fct_examples", "fct_preference_pairs", "fct_selection")


@dataclass(frozen=True)
class Wanted:
    """What a snapshot is to hold. None: all. `startups`: only their overlays, and no base."""

    roles: tuple[str, ...] | None = None
    startups: tuple[str, ...] | None = None
    formats: tuple[Format, ...] = ("sft",)


# A part's rows stand together, in the order of its keys. The weight makes buckets of about one size.
_CHOSEN = """
create or replace temporary table chosen_{kind} as
with
wanted as (
    select *, {key} as row_key, {weight} as weight
    from main.{relation}
    where
        excluded_reason is null
        and (? is null or list_contains(?, role_family))
        and (? is null or scope = 'overlay' and list_contains(?, startup))
),
places as (
    select *, row_number() over w as place, sum(weight) over (w rows unbounded preceding) as tokens, sum(weight) over () as total
    from wanted
    window w as (order by scope, case when scope = 'overlay' then startup end nulls first, role_family, split, row_key)
)
select * exclude (tokens, total), cast(tokens // greatest({bucket_tokens}, total // {buckets}) as bigint) as bucket
from places
"""
_SFT = """
select
    chosen.bucket, chosen.place, chosen.copy_count,
    chosen.example_key, chosen.group_key, chosen.episode_key, chosen.town_id, chosen.startup,
    chosen.role_family as role, chosen.scope, chosen.split, chosen.outcome,
    examples.is_subagent, examples.is_session_start, examples.token_count, examples.target_token_count,
    examples.messages, examples.tools
from main.fct_examples as examples
inner join chosen_sft as chosen on examples.example_key = chosen.example_key
"""
_PREFERENCE = """
select
    chosen.bucket, chosen.place,
    chosen.pair_key as example_key, chosen.group_key, chosen.chosen_episode_key as episode_key, chosen.town_id,
    chosen.startup, chosen.role_family as role, chosen.scope, chosen.split, chosen.rejected_episode_key, chosen.reason,
    pairs.prompt, pairs.chosen, pairs.rejected
from main.fct_preference_pairs as pairs
inner join chosen_preference as chosen on pairs.pair_key = chosen.pair_key
"""
# What the release has and the snapshot lacks. Of an episode that was not kept, its examples are not listed one by one.
_EXCLUDED = """
with
rows as (
    select episode_key, example_key, scope, startup, role_family, excluded_reason from main.snapshot_rows
    union all
    select chosen_episode_key, pair_key, scope, startup, role_family, excluded_reason from main.snapshot_pairs
)
select
    episode_key, cast(null as varchar) as example_key, cast(null as varchar) as scope, role_family as role,
    excluded_stage as stage, excluded_reason as reason, excluded_detail as detail
from main.fct_selection
where not is_kept and (? is null or list_contains(?, role_family))
union all
select
    episode_key, example_key, scope, role_family,
    case
        when excluded_reason = 'town_drift' then 'drift'
        when excluded_reason like 'duplicate%' then 'duplicate'
        when excluded_reason in ('better_attempt_not_kept', 'attempts_of_two_groups') then 'split'
        else 'consent'
    end,
    excluded_reason,
    cast(null as varchar)
from rows
where
    excluded_reason is not null
    and (? is null or list_contains(?, role_family))
    and (? is null or scope = 'overlay' and list_contains(?, startup))
order by all
"""


class ReleaseRows:
    """The rows of one release as far as they are wanted. `connection`: see `lake.release_views`; `work`: a folder for the spool."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, wanted: Wanted, work: Path) -> None:
        self.connection = connection
        self.wanted = wanted
        self.work = work
        roles = list(wanted.roles) if wanted.roles is not None else None
        startups = list(wanted.startups) if wanted.startups is not None else None
        self.parameters: list[Any] = [roles, roles, startups, startups]
        # The table at the right, without texts, is what a join keeps in memory; by its row counts the other could seem smaller.
        connection.execute("set disabled_optimizers = 'join_order,build_side_probe_side'")
        self._choose("sft", "snapshot_rows", "example_key", "token_count + 100")
        self._choose("preference", "snapshot_pairs", "pair_key", "4000")

    def _choose(self, kind: Format, relation: str, key: str, weight: str) -> None:
        text = _CHOSEN.format(kind=kind, relation=relation, key=key, weight=weight, bucket_tokens=BUCKET_TOKENS, buckets=BUCKETS)
        self.connection.execute(text, self.parameters)

    def parts(self) -> Iterator[tuple[Part, Iterator[Row]]]:
        """Each part with its rows, in order. A part's rows must be taken before the next part."""
        for kind in self.wanted.formats:
            spool = Spool(self.work / f"spool-{kind}")
            spool.fill(self.connection.execute(_SFT if kind == "sft" else _PREFERENCE).to_arrow_reader(FETCH_ROWS))
            found = _sft_rows(spool.ordered()) if kind == "sft" else _preference_rows(spool.ordered())
            yield from ((_part(place, kind), rows) for place, rows in groupby(found, _place))

    def tokenizer(self) -> dict[str, Any]:
        """`hash` of the tokenizer that counted the examples, and `max_tokens`, the greatest budget one was cut to."""
        query = """
            select coalesce(max(examples.tokenizer_hash), ''), coalesce(max(examples.max_tokens), 0)
            from main.fct_examples as examples
            inner join chosen_sft as chosen on examples.example_key = chosen.example_key
        """
        (found,) = self.connection.execute(query).fetchall()
        return {"hash": found[0], "max_tokens": found[1]}

    def excluded(self) -> pa.RecordBatchReader:
        """What was left out, as rows of EXCLUDED_SCHEMA."""
        roles, startups = self.parameters[:2], self.parameters[2:]
        return self.connection.execute(_EXCLUDED, [*roles, *roles, *startups]).to_arrow_reader(65_536)


def _place(row: Row) -> tuple[str, str | None, str, str]:
    return row["scope"], row["startup"] if row["scope"] == "overlay" else None, row["role"], row["split"]


def _part(place: tuple[str, str | None, str, str], kind: Format) -> Part:
    scope, startup, role, split = place
    return Part(scope, startup, role, kind, split)


def _sft_rows(found: Iterator[Row]) -> Iterator[Row]:
    """Rows of the files from those of the spool: texts parsed, over-sampled ones repeated."""
    for row in found:
        del row[BUCKET], row[PLACE]
        row["messages"] = messages_of(row["messages"])
        for copy in range(row.pop("copy_count")):
            yield row | {"copy": copy}


def _preference_rows(found: Iterator[Row]) -> Iterator[Row]:
    for row in found:
        del row[BUCKET], row[PLACE]
        texts = {name: messages_of(row[name]) for name in ("prompt", "chosen", "rejected")}
        yield row | texts | {"copy": 0}
