{{ config(
    incremental=true,
    unique_key=['episode_key'],
    touched_key=['session_key'],
    touched_sql="{{ capped_sessions_sql(this) }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key', 'town_id'],
    tags=['scope:global'],
) }}

{% set capped_sessions = capped_sessions_sql(this) if is_incremental() else '' %}
{% set compared_sessions = compared_sessions_sql(this) if is_incremental() else '' %}

with duplicates as (

    select conversation_key from {{ part_of(ref('fct_duplicates'), compared_sessions) }}

),

-- Episodes that would have something to show.
usable as (

    select distinct examples.episode_key
    from {{ part_of(ref('fct_examples'), compared_sessions) }} as examples
    left join duplicates on examples.conversation_key = duplicates.conversation_key
    where
        examples.unusable_reason is null
        and duplicates.conversation_key is null
        and {{ session_rows(compared_sessions, 'examples') }}

),

candidates as (

    select
        candidates.episode_key,
        candidates.session_key,
        candidates.session_started_on,
        candidates.session_started_at,
        candidates.session_month,
        candidates.town_id,
        candidates.role_family,
        candidates.beads_project_id,
        candidates.bead_id,
        candidates.rank_score,
        candidates.turn_count,
        candidates.is_without_outcome,
        coalesce(candidates.kind = 'cycle' and candidates.outcome_class = 'neutral', false) as is_quiet_patrol
    from {{ part_of(ref('int_episode_candidates'), compared_sessions) }} as candidates
    inner join usable on candidates.episode_key = usable.episode_key
    -- What its main conversation repeats, the episode repeats.
    left join duplicates on {{ conversation_key('candidates.episode_key', "'main'") }} = duplicates.conversation_key
    where candidates.is_candidate and duplicates.conversation_key is null and {{ session_rows(compared_sessions, 'candidates') }}

),

-- The best first: work of which something is known, then the rank, then the shorter one.
ranked as (

    select
        *,
        cast(row_number() over (
            partition by town_id, role_family, session_month
            order by is_without_outcome, rank_score desc, turn_count, episode_key
        ) as bigint) as month_rank,
        cast(row_number() over (
            partition by role_family, beads_project_id, bead_id
            order by is_without_outcome, rank_score desc, turn_count, episode_key
        ) as bigint) as bead_rank
    from candidates

),

capped_by_bead as (

    select
        *,
        bead_id is not null and bead_rank > {{ selection_rule('bead_cap') }} as is_over_bead_cap
    from ranked
    where {{ session_rows(capped_sessions) }}

),

patrols as (

    select
        *,
        cast(sum(case when is_quiet_patrol and not is_over_bead_cap then 1 else 0 end) over (
            partition by town_id, role_family, session_month order by month_rank
        ) as bigint) as patrol_rank
    from capped_by_bead

),

capped_by_patrol as (

    select
        *,
        is_quiet_patrol and not is_over_bead_cap and patrol_rank > {{ selection_rule('patrol_cap') }} as is_over_patrol_cap
    from patrols

),

shares as (

    select
        *,
        cast(sum(case when is_without_outcome or is_over_bead_cap or is_over_patrol_cap then 0 else 1 end) over (
            partition by town_id, role_family, session_month
        ) as bigint) as known_count,
        cast(sum(case when is_without_outcome and not is_over_bead_cap and not is_over_patrol_cap then 1 else 0 end) over (
            partition by town_id, role_family, session_month order by month_rank
        ) as bigint) as unknown_rank
    from capped_by_patrol

),

judged as (

    select
        *,
        case
            when is_over_bead_cap then 'bead_cap'
            when is_over_patrol_cap then 'patrol_cap'
            -- n of m + n are at most the share s where n <= m * s / (1 - s).
            when
                is_without_outcome
                and unknown_rank
                > floor(known_count * {{ selection_rule('no_outcome_share') }} / (1 - {{ selection_rule('no_outcome_share') }}))
                then 'no_outcome_share'
        end as cap_reason
    from shares

)

select
    episode_key,
    session_key,
    session_started_on,
    session_started_at,
    session_month,
    town_id,
    role_family,
    beads_project_id,
    bead_id,
    month_rank,
    case when bead_id is not null then bead_rank end as bead_rank,
    cap_reason is null as is_within_caps,
    cap_reason
from judged
