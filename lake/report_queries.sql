-- What `forge report` shows, one query per chart. `name`: as the page's template knows it; `needs`: relations that must be part of
-- the release (an older one may lack some: the page then says so). Run over the views of one release and over the lake's ops tables.

-- name: totals
-- needs: main.dim_towns main.dim_sessions main.fct_episodes raw.loads
select
    (select count(*) from dim_towns) as towns,
    (select count(*) from dim_sessions) as sessions,
    (select count(*) from fct_episodes) as episodes,
    (select min(started_at) from fct_episodes) as first_at,
    (select max(ended_at) from fct_episodes) as last_at,
    (select coalesce(cast(sum(bytes_read) as bigint), 0) from raw.loads) as bytes_read,
    (select coalesce(cast(sum(redactions) as bigint), 0) from raw.loads) as redactions;

-- name: funnel_files
-- needs: raw.files raw.loads
with newest as (
    select
        files.decision,
        row_number() over (partition by files.file_id order by files.load_seq desc) as newest_first
    from raw.files as files
    inner join raw.loads as loads on files.load_seq = loads.load_seq
    where loads.source = 'claude'
)
select
    case decision when 'foreign' then 'of_other_projects' when 'undecided' then 'without_a_working_directory' end as reason,
    count(*) as count
from newest
where newest_first = 1
group by case decision when 'foreign' then 'of_other_projects' when 'undecided' then 'without_a_working_directory' end
order by count desc, reason;

-- name: funnel_records
-- needs: intermediate.int_entries raw.quarantine
select
    dropped_reason as reason,
    count(*) as count
from intermediate.int_entries
group by dropped_reason
union all
select
    'quarantined' as reason,
    count(*) as count
from raw.quarantine
where source = 'claude'
having count(*) > 0
order by count desc, reason;

-- name: funnel_sessions
-- needs: main.dim_sessions main.fct_sessions_without_episode
select
    without.reason,
    count(*) as count
from dim_sessions as sessions
left join fct_sessions_without_episode as without on sessions.session_key = without.session_key
group by without.reason
order by count desc, reason;

-- name: funnel_candidates
-- needs: main.fct_selection
select
    case when excluded_stage in ('consent', 'gate', 'maturity') then excluded_reason end as reason,
    count(*) as count
from fct_selection
group by case when excluded_stage in ('consent', 'gate', 'maturity') then excluded_reason end
order by count desc, reason;


-- name: funnel_kept
-- needs: main.fct_selection
select
    excluded_reason as reason,
    count(*) as count
from fct_selection
where excluded_stage is null or excluded_stage not in ('consent', 'gate', 'maturity')
group by excluded_reason
order by count desc, reason;


-- name: funnel_examples
-- needs: main.fct_selection main.fct_examples
select
    examples.unusable_reason as reason,
    count(*) as count
from fct_examples as examples
inner join fct_selection as selection on examples.episode_key = selection.episode_key
where selection.is_kept
group by examples.unusable_reason
order by count desc, reason;

-- name: funnel_bases
-- needs: main.snapshot_rows
select
    excluded_reason as reason,
    count(*) as count
from snapshot_rows
where scope = 'base'
group by excluded_reason
order by count desc, reason;

-- name: funnel_overlays
-- needs: main.snapshot_rows
select
    excluded_reason as reason,
    count(*) as count
from snapshot_rows
where scope = 'overlay'
group by excluded_reason
order by count desc, reason;

-- name: kept
-- needs: main.fct_selection
select
    count(*) as episodes,
    count(case when is_kept then 1 end) as kept
from fct_selection;


-- name: exclusions
-- needs: main.fct_selection
select
    coalesce(role_family, 'unknown') as role,
    coalesce(excluded_stage, 'kept') as stage,
    count(*) as count
from fct_selection
group by coalesce(role_family, 'unknown'), coalesce(excluded_stage, 'kept')
order by role, count desc, stage;

-- name: reasons
-- needs: main.fct_selection
select
    excluded_stage as stage,
    excluded_reason as reason,
    count(*) as count
from fct_selection
where not is_kept
group by excluded_stage, excluded_reason
order by count desc, stage, reason;


-- name: scores
-- needs: main.fct_episode_scores main.fct_selection
select
    scores.role_family as role,
    least(cast(floor(scores.rank_score * 20) as bigint), 19) as bin,
    count(case when selection.is_kept then 1 end) as kept,
    count(case when not selection.is_kept then 1 end) as others
from fct_episode_scores as scores
inner join fct_selection as selection on scores.episode_key = selection.episode_key
where scores.role_family is not null and scores.rank_score is not null
group by scores.role_family, least(cast(floor(scores.rank_score * 20) as bigint), 19)
order by role, bin;

-- name: tokens
-- needs: main.fct_examples main.fct_selection
-- Two bins per doubling: `bin` is twice the binary logarithm.
select
    selection.role_family as role,
    cast(floor(2 * log2(greatest(examples.token_count, 1))) as bigint) as bin,
    count(*) as examples,
    cast(sum(examples.token_count) as bigint) as tokens,
    cast(sum(examples.target_token_count) as bigint) as target_tokens
from fct_examples as examples
inner join fct_selection as selection on examples.episode_key = selection.episode_key
where selection.is_kept and examples.unusable_reason is null
group by selection.role_family, cast(floor(2 * log2(greatest(examples.token_count, 1))) as bigint)
order by role, bin;


-- name: links
-- needs: main.fct_link_coverage
select
    coalesce(role, 'unknown') as role,
    case when unlinked_reason is null then 'linked' else unlinked_reason end as kind,
    cast(sum(episode_count) as bigint) as count,
    cast(sum(sure_count) as bigint) as sure
from fct_link_coverage
group by coalesce(role, 'unknown'), case when unlinked_reason is null then 'linked' else unlinked_reason end
order by role, count desc, kind;

-- name: link_months
-- needs: main.fct_link_coverage
select
    month_started_on as month,
    cast(sum(episode_count) as bigint) as episodes,
    cast(sum(linked_count) as bigint) as linked,
    cast(sum(sure_count) as bigint) as sure
from fct_link_coverage
group by month_started_on
order by month;

-- name: outcomes
-- needs: main.fct_outcome_mix
select
    coalesce(role, 'unknown') as role,
    outcome,
    outcome_class as class,
    cast(sum(episode_count) as bigint) as count,
    cast(sum(admitting_count) as bigint) as admitting
from fct_outcome_mix
group by coalesce(role, 'unknown'), outcome, outcome_class
order by role, count desc, outcome;

-- name: evidence
-- needs: main.fct_outcome_mix
select
    evidence_tier as tier,
    cast(sum(episode_count) as bigint) as count
from fct_outcome_mix
where evidence_tier is not null
group by evidence_tier
order by count desc, tier;

-- name: drift
-- needs: main.fct_town_drift main.dim_towns
select
    coalesce(towns.name, drift.town_id) as town,
    drift.role_family as role,
    drift.measure,
    drift.divergence,
    drift.divergence_low as low,
    drift.divergence_high as high,
    drift.max_divergence as threshold,
    drift.episode_count as episodes,
    drift.is_drifting,
    drift.is_kept_out,
    drift.unjudged_reason as unjudged,
    drift.top_item as item,
    drift.top_item_share as item_share,
    drift.top_item_pool_share as item_pool_share
from fct_town_drift as drift
left join dim_towns as towns on drift.town_id = towns.town_id
order by town, role, measure;

-- name: startups
-- needs: main.dim_startups main.fct_selection
with episodes as (
    select
        coalesce(startup, 'several at once') as startup,
        count(*) as episodes,
        count(case when is_kept then 1 end) as kept
    from fct_selection
    group by coalesce(startup, 'several at once')
)
select
    coalesce(startups.startup, episodes.startup) as startup,
    startups.owner,
    startups.learn,
    startups.expires_at,
    coalesce(episodes.episodes, 0) as episodes,
    coalesce(episodes.kept, 0) as kept
from dim_startups as startups
full join episodes on startups.startup = episodes.startup
order by episodes desc, startup;


-- name: splits
-- needs: main.snapshot_rows
select
    scope,
    startup,
    role_family as role,
    split,
    count(*) as examples,
    count(distinct group_key) as groups
from snapshot_rows
where excluded_reason is null
group by scope, startup, role_family, split
order by scope, startup, role, split;


-- name: groups
-- needs: main.fct_group_sizes
select
    role_family as role,
    group_count as groups,
    largest_share,
    is_kept_out,
    reason
from fct_group_sizes
order by role;

-- name: snapshots
-- needs: ops.snapshots ops.snapshot_members
with events as (
    select
        snapshot_sequence as number,
        snapshot_name as name,
        snapshot_id as id,
        min(happened_at) as created_at,
        max(case when event = 'created' then row_count end) as rows,
        max(case when event = 'created' then release_id end) as release_id,
        count(case when event = 'published' then 1 end) as publications,
        cast(sum(case when event = 'erased' then row_count else 0 end) as bigint) as erased,
        max(case when event = 'dropped' then happened_at end) as dropped_at,
        max(case when event = 'created' then happened_at end) as last_created_at
    from ops.snapshots
    group by snapshot_sequence, snapshot_name, snapshot_id
),
members as (
    select
        snapshot_sequence as number,
        count(case when split = 'train' then 1 end) as train,
        count(case when split = 'eval' then 1 end) as eval,
        count(case when split = 'test' then 1 end) as test,
        count(case when split = 'temporal_eval' then 1 end) as temporal_eval
    from ops.snapshot_members
    group by snapshot_sequence
)
select
    events.number,
    events.name,
    events.id,
    events.created_at,
    events.rows,
    events.release_id,
    events.publications,
    events.erased,
    coalesce(events.dropped_at > events.last_created_at, false) as is_dropped,
    coalesce(members.train, 0) as train,
    coalesce(members.eval, 0) as eval,
    coalesce(members.test, 0) as test,
    coalesce(members.temporal_eval, 0) as temporal_eval
from events
left join members on events.number = members.number
order by events.number;

-- name: withdrawn
-- needs: main.fct_withdrawn_snapshots
select
    snapshot_id as id,
    reason,
    cast(sum(example_count) as bigint) as count
from fct_withdrawn_snapshots
group by snapshot_id, reason
order by id, count desc, reason;


-- name: pulls
-- needs: ops.pulls
select
    snapshot_id as id,
    count(*) as count
from ops.pulls
group by snapshot_id
order by id;
