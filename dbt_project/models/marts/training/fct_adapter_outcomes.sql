{{ config(
    incremental=false,
    unique_key=['adapter_id', 'role_family'],
    order_by=['adapter_id', 'role_family'],
    statistics=['adapter_id'],
    tags=['scope:global']
) }}

with episodes as (

    select
        sessions.adapter_id,
        outcomes.role_family,
        outcomes.town_id,
        outcomes.role,
        cast(date_trunc('month', outcomes.session_started_on) as date) as month_started_on,
        outcomes.outcome_class,
        outcomes.reopen_count,
        outcomes.fix_needed_count,
        outcomes.session_started_at
    from {{ ref('dim_sessions') }} as sessions
    inner join {{ ref('fct_outcomes') }} as outcomes on sessions.session_key = outcomes.session_key
    where sessions.adapter_id is not null and outcomes.role_family is not null

),

per_month as (

    select
        adapter_id,
        role_family,
        town_id,
        role,
        month_started_on,
        count(case when outcome_class = 'accepted' then 1 end) as accepted_count,
        count(case when outcome_class = 'rejected' then 1 end) as rejected_count
    from episodes
    group by adapter_id, role_family, town_id, role, month_started_on

),

mixes as (

    select
        town_id,
        role,
        month_started_on,
        cast(sum(case when outcome_class = 'accepted' then episode_count else 0 end) as bigint) as accepted_count,
        cast(sum(case when outcome_class = 'rejected' then episode_count else 0 end) as bigint) as rejected_count
    from {{ ref('fct_outcome_mix') }}
    group by town_id, role, month_started_on

),

-- What everybody else did in the same towns, roles and months: the same beads, the same seasons.
others as (

    select
        per_month.adapter_id,
        per_month.role_family,
        cast(sum(mixes.accepted_count - per_month.accepted_count) as bigint) as accepted_count,
        cast(sum(mixes.rejected_count - per_month.rejected_count) as bigint) as rejected_count
    from per_month
    inner join mixes
        on
            per_month.town_id = mixes.town_id
            and per_month.role = mixes.role
            and per_month.month_started_on = mixes.month_started_on
    group by per_month.adapter_id, per_month.role_family

),

counted as (

    select
        adapter_id,
        role_family,
        count(*) as episode_count,
        count(case when outcome_class = 'accepted' then 1 end) as accepted_count,
        count(case when outcome_class = 'rejected' then 1 end) as rejected_count,
        count(case when reopen_count > 0 or fix_needed_count > 0 then 1 end) as rework_count,
        min(session_started_at) as first_session_started_at,
        max(session_started_at) as last_session_started_at
    from episodes
    group by adapter_id, role_family

),

shares as (

    select
        counted.*,
        counted.accepted_count + counted.rejected_count as judged_count,
        coalesce(others.accepted_count, 0) as other_accepted_count,
        coalesce(others.accepted_count + others.rejected_count, 0) as other_judged_count
    from counted
    left join others on counted.adapter_id = others.adapter_id and counted.role_family = others.role_family

),

bounds as (

    select
        *,
        case when judged_count > 0 then cast(accepted_count as double) / judged_count end as accepted_share,
        {{ wilson_bound('accepted_count', 'judged_count', -1) }} as accepted_share_low,
        {{ wilson_bound('accepted_count', 'judged_count', 1) }} as accepted_share_high,
        case when other_judged_count > 0 then cast(other_accepted_count as double) / other_judged_count end as other_accepted_share,
        {{ wilson_bound('other_accepted_count', 'other_judged_count', -1) }} as other_accepted_share_low
    from shares

),

rules as (

    select value as minimum_judged_episodes
    from {{ ref('promotion_rules') }}
    where rule = 'minimum_judged_episodes'

)

select
    bounds.adapter_id,
    bounds.role_family,
    bounds.episode_count,
    bounds.accepted_count,
    bounds.rejected_count,
    bounds.accepted_share,
    bounds.accepted_share_low,
    bounds.accepted_share_high,
    bounds.rework_count,
    cast(bounds.rework_count as double) / bounds.episode_count as rework_share,
    bounds.other_judged_count,
    bounds.other_accepted_share,
    bounds.other_accepted_share_low,
    bounds.judged_count >= rules.minimum_judged_episodes
    and coalesce(bounds.accepted_share_high < bounds.other_accepted_share_low, false) as is_degraded,
    bounds.first_session_started_at,
    bounds.last_session_started_at
from bounds
cross join rules
