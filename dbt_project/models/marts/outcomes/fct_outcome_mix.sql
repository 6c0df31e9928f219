{{ config(
    incremental=false,
    unique_key=['town_id', 'month_started_on', 'role', 'outcome', 'evidence_tier'],
    order_by=['town_id', 'month_started_on', 'role', 'outcome', 'evidence_tier'],
    tags=['scope:global']
) }}

select
    outcomes.town_id,
    cast(date_trunc('month', outcomes.session_started_on) as date) as month_started_on,
    outcomes.role,
    outcomes.outcome,
    outcomes.outcome_class,
    outcomes.evidence_tier,
    count(*) as episode_count,
    count(case when outcomes.is_admitting then 1 end) as admitting_count
from {{ ref('fct_outcomes') }} as outcomes
group by
    outcomes.town_id,
    cast(date_trunc('month', outcomes.session_started_on) as date),
    outcomes.role,
    outcomes.outcome,
    outcomes.outcome_class,
    outcomes.evidence_tier
