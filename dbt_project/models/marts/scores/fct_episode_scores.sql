{{ config(
    incremental=true,
    unique_key=['episode_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_score_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key', 'mature_at'],
    tags=['scope:shard'],
) }}

{% set touched_sessions = touched_score_sessions_sql() if is_incremental() else '' %}

with episodes as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        town_id,
        role_family,
        ended_at,
        {{ month_before('started_at') }} as mean_month
    from {{ part_of(ref('fct_episodes'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

signals as (

    select
        episode_key,
        turn_count
    from {{ part_of(ref('int_episode_signals'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

raw_scores as (

    select
        episode_key,
        raw_score,
        confidence
    from {{ part_of(ref('int_episode_raw_scores'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

outcomes as (

    select
        episode_key,
        outcome,
        outcome_class,
        is_admitting,
        evidence_tier,
        settled_at
    from {{ part_of(ref('fct_outcomes'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

links as (

    select
        episode_key,
        primary_bead_id,
        confidence
    from {{ part_of(ref('fct_episode_links'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

judged as (

    select
        episodes.episode_key,
        episodes.session_key,
        episodes.session_started_on,
        episodes.session_started_at,
        episodes.role_family,
        episodes.role_family is not null as is_role_known,
        coalesce(signals.turn_count, 0) > 0 as has_work,
        coalesce(outcomes.outcome, '') <> 'open' as is_ended,
        coalesce(outcomes.outcome_class, 'none') <> 'none' as is_outcome_known,
        coalesce(outcomes.is_admitting, false) as is_outcome_accepted,
        links.primary_bead_id is null or links.confidence >= {{ score_rule('link_min_confidence') }} as is_link_sure,
        raw_scores.raw_score,
        coalesce(raw_scores.confidence, 0) as confidence,
        coalesce(means.mean_score, {{ score_rule('role_mean_prior') }}) as role_mean_score,
        outcomes.evidence_tier as tier,
        {{ seconds_added(
            'coalesce(outcomes.settled_at, case when links.primary_bead_id is null then episodes.ended_at end)',
            '86400 * ' ~ score_rule('maturity_days')
        ) }} as mature_at
    from episodes
    left join signals on episodes.episode_key = signals.episode_key
    left join raw_scores on episodes.episode_key = raw_scores.episode_key
    left join outcomes on episodes.episode_key = outcomes.episode_key
    left join links on episodes.episode_key = links.episode_key
    left join {{ ref('int_role_means') }} as means
        on
            episodes.town_id = means.town_id
            and episodes.role_family = means.role_family
            and episodes.mean_month = means.month_started_on

)

select
    episode_key,
    session_key,
    session_started_on,
    session_started_at,
    role_family,
    is_role_known,
    has_work,
    is_ended,
    is_outcome_known,
    is_outcome_accepted,
    is_link_sure,
    is_role_known and has_work and is_ended and is_outcome_known and is_outcome_accepted and is_link_sure as is_gate_passed,
    case
        when not is_role_known then 'role_unknown'
        when not has_work then 'no_work'
        when not is_ended then 'not_ended'
        when not is_outcome_known then 'outcome_unknown'
        when not is_outcome_accepted then 'outcome_not_accepted'
        when not is_link_sure then 'link_unsure'
    end as gate_reason,
    raw_score,
    role_mean_score,
    confidence,
    round(confidence * coalesce(raw_score, 0) + (1 - confidence) * role_mean_score, 6) as rank_score,
    tier,
    cast({{ score_rule('rules_version') }} as bigint) as rules_version,
    mature_at,
    coalesce(mature_at <= {{ as_of() }}, false) as is_mature
from judged
