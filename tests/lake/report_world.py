"""A release small enough to count by hand, as tables in memory: what the queries of `forge report` are tested on."""

from datetime import UTC, datetime

import duckdb

from lake.releases import Release

RELEASE = Release(
    release_id="0123456789abcdef",
    sequence=3,
    created_at=datetime(2026, 3, 2, 12, tzinfo=UTC),
    as_of=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    load_seq=7,
    code_hash="c" * 16,
    policies_hash="d" * 16,
    seeds_hash="e" * 16,
    raw={},
    models={},
    project_version="1.0.0",
    is_full=True,
    is_audited=True,
)

# Eight episodes: e1 to e4 kept, e5 a duplicate, e6 without consent, e7 of an outcome that is not accepted, e8 not mature.
_TABLES = """
create schema raw; create schema ops; create schema intermediate;
create table raw.loads as select * from (values
    (1, 'claude', 4000000, 90), (2, 'beads', 1000000, 10)) as t(load_seq, source, bytes_read, redactions);
create table raw.files as select * from (values
    ('f1', 1, 'loaded'), ('f1', 3, 'loaded'), ('f2', 1, 'undecided'), ('f2', 3, 'loaded'), ('f3', 1, 'foreign'), ('db', 2, 'loaded')
    ) as t(file_id, load_seq, decision);
insert into raw.loads values (3, 'claude', 0, 0);
create table raw.quarantine as select 'claude' as source from range(2);
create table intermediate.int_entries as
    select case when i < 5 then 'repeated' end as dropped_reason from range(100) as t(i);
create table dim_towns as select * from (values ('t1', $town), ('t2', 'beta')) as t(town_id, name);
create table dim_sessions as select 's' || i as session_key from range(1, 6) as t(i);
create table fct_sessions_without_episode as select * from (values ('s5', 'no_answer')) as t(session_key, reason);
create table fct_episodes as select 'e' || i as episode_key, case when i < 7 then 'polecat' else 'crew' end as role_family,
    timestamptz '2026-01-01 00:00:00+00' + to_days(cast(i as integer)) as started_at,
    timestamptz '2026-01-01 01:00:00+00' + to_days(cast(i as integer)) as ended_at from range(1, 9) as t(i);
create table fct_selection as select 'e' || i as episode_key, i < 5 as is_kept,
    case when i < 7 then 'polecat' else 'crew' end as role_family, case when i < 7 then $startup end as startup,
    case i when 5 then 'duplicate' when 6 then 'consent' when 7 then 'gate' when 8 then 'maturity' end as excluded_stage,
    case i when 5 then 'duplicate_near' when 6 then 'no_consent' when 7 then 'outcome_not_accepted' when 8 then 'not_mature' end
    as excluded_reason, 'g' || (i // 2) as group_key, case i when 1 then 'test' when 2 then 'eval' else 'train' end as split
    from range(1, 9) as t(i);
create table fct_examples as select 'x' || i as example_key, 'e' || i as episode_key, 100 * i as token_count,
    10 * i as target_token_count, case when i = 4 then 'no_target' end as unusable_reason from range(1, 6) as t(i);
create table fct_episode_scores as select 'e' || i as episode_key, case when i < 7 then 'polecat' else 'crew' end as role_family,
    i / 8.0 as rank_score from range(1, 9) as t(i);
create table fct_link_coverage as select * from (values
    ('t1', date '2026-01-01', 'polecat', null, 5, 5, 4), ('t1', date '2026-01-01', 'polecat', 'disputed', 1, 0, 0),
    ('t1', date '2026-02-01', 'crew', 'nothing_named', 2, 0, 0))
    as t(town_id, month_started_on, role, unlinked_reason, episode_count, linked_count, sure_count);
create table fct_outcome_mix as select * from (values
    ('polecat', 'merged', 'accepted', 'bead', 5, 5), ('polecat', 'rejected', 'rejected', 'bead', 1, 0),
    ('crew', 'no_verifiable_outcome', 'none', null, 2, 0))
    as t(role, outcome, outcome_class, evidence_tier, episode_count, admitting_count);
create table fct_town_drift as select * from (values
    ('t1', 'polecat', 'tool_mix', 0.42, 0.3, 0.5, 0.1, 30, true, true, null, $tool, 0.5, 0.0),
    ('t2', 'polecat', 'tool_mix', 0.01, 0.0, 0.05, 0.1, 30, false, false, null, 'Read', 0.2, 0.1),
    ('t2', 'polecat', 'length', 0.2, 0.0, 0.5, 0.1, 3, false, false, 'too_few_episodes', 'turns from 4', 0.2, 0.1),
    ('t2', 'crew', 'tool_mix', null, null, null, 0.1, 3, false, false, 'no_pool', null, null, null))
    as t(town_id, role_family, measure, divergence, divergence_low, divergence_high, max_divergence, episode_count, is_drifting,
    is_kept_out, unjudged_reason, top_item, top_item_share, top_item_pool_share);
create table dim_startups as select * from (values
    ($startup, 'ann', 'shared', timestamptz '2027-01-01 00:00:00+00'), ('hq', null, 'none', null))
    as t(startup, owner, learn, expires_at);
create table snapshot_rows as select 'x' || i as example_key, scope, $startup as startup, 'polecat' as role_family,
    'g' || (i // 2) as group_key, case i when 1 then 'test' when 2 then 'eval' when 3 then 'temporal_eval'
    else 'train' end as split,
    case when i = 5 and scope = 'base' then 'not_shared' end as excluded_reason
    from range(1, 6) as t(i), (values ('base'), ('overlay')) as s(scope);
create table fct_group_sizes as select * from (values ('polecat', 4, 0.25, false, null), ('crew', 1, 1.0, true, 'group_too_large'))
    as t(role_family, group_count, largest_share, is_kept_out, reason);
create table ops.snapshots as select * from (values
    (1, 'base', 'a' || repeat('1', 63), timestamptz '2026-02-01 10:00:00+00', 'created', 'r1', 3),
    (1, 'base', 'a' || repeat('1', 63), timestamptz '2026-02-09 10:00:00+00', 'dropped', null, 0),
    (2, 'base', 'b' || repeat('2', 63), timestamptz '2026-02-20 10:00:00+00', 'created', 'r2', 4),
    (2, 'base', 'b' || repeat('2', 63), timestamptz '2026-02-21 10:00:00+00', 'erased', null, 1),
    (3, 'base', 'c' || repeat('3', 63), timestamptz '2026-02-27 10:00:00+00', 'created', 'r3', 4))
    as t(snapshot_sequence, snapshot_name, snapshot_id, happened_at, event, release_id, row_count);
create table ops.snapshot_members as select * from (values
    (1, 'train'), (1, 'train'), (1, 'eval'), (2, 'train'), (3, 'temporal_eval'))
    as t(snapshot_sequence, split);
create table ops.pulls as select * from (values ('b' || repeat('2', 63)), ('b' || repeat('2', 63))) as t(snapshot_id);
create table fct_withdrawn_snapshots as select 'b' || repeat('2', 63) as snapshot_id, 'no_consent' as reason, 3 as example_count;
"""


def report_world(*, town: str = "alpha", startup: str = "acme", tool: str = "mcp__own__shell") -> duckdb.DuckDBPyConnection:
    """A connection in which every relation exists that a query needs."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    names = {"town": town, "startup": startup, "tool": tool}
    for statement in _TABLES.strip().removesuffix(";").split(";\n"):
        for part in statement.split("; "):
            used = {name: value for name, value in names.items() if f"${name}" in part}
            connection.execute(part, used)
    return connection
