{{ config(
    incremental=true,
    unique_key=['episode_key'],
    touched_key=['session_key'],
    touched_sql="{{ candidate_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key', 'town_id'],
    tags=['scope:shard'],
) }}

{% set touched_sessions = candidate_sessions_sql() if is_incremental() else '' %}

with consents as (

    select
        episode_key,
        startup,
        startup_count,
        can_train,
        can_eval,
        is_base_allowed,
        is_overlay_allowed,
        consent_reason
    from {{ part_of(ref('int_episode_consent'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

scores as (

    select
        episode_key,
        gate_reason,
        is_link_sure,
        is_mature,
        rank_score
    from {{ part_of(ref('fct_episode_scores'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

outcomes as (

    select
        episode_key,
        outcome,
        outcome_class,
        beads_project_id,
        bead_id
    from {{ part_of(ref('fct_outcomes'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

judged as (

    select
        episodes.episode_key,
        episodes.session_key,
        episodes.session_started_on,
        episodes.session_started_at,
        {{ month_of('episodes.session_started_at') }} as session_month,
        episodes.town_id,
        episodes.role_family,
        episodes.kind,
        episodes.turn_count,
        episodes.started_at,
        episodes.ended_at,
        consents.startup,
        coalesce(consents.startup_count, 0) as startup_count,
        coalesce(consents.is_base_allowed, false) as is_base_allowed,
        coalesce(consents.is_overlay_allowed, false) as is_overlay_allowed,
        coalesce(consents.can_train, false) as can_train,
        coalesce(consents.can_eval, false) as can_eval,
        outcomes.outcome,
        outcomes.outcome_class,
        outcomes.beads_project_id,
        outcomes.bead_id,
        scores.rank_score,
        -- Work of which nothing is known is let in by the capped share of it alone.
        coalesce(scores.gate_reason, '') = 'outcome_unknown' and coalesce(scores.is_link_sure, false) as is_without_outcome,
        case when consents.episode_key is null then 'no_consent' else consents.consent_reason end as consent_reason,
        case
            when scores.episode_key is null then 'no_work'
            when scores.gate_reason = 'outcome_unknown' and not scores.is_link_sure then 'link_unsure'
            when scores.gate_reason <> 'outcome_unknown' then scores.gate_reason
        end as gate_reason,
        case when not coalesce(scores.is_mature, false) then 'not_mature' end as maturity_reason
    from {{ part_of(ref('fct_episodes'), touched_sessions) }} as episodes
    left join consents on episodes.episode_key = consents.episode_key
    left join scores on episodes.episode_key = scores.episode_key
    left join outcomes on episodes.episode_key = outcomes.episode_key
    where {{ session_rows(touched_sessions, 'episodes') }}

)

select
    episode_key,
    session_key,
    session_started_on,
    session_started_at,
    session_month,
    town_id,
    role_family,
    kind,
    startup,
    startup_count,
    is_base_allowed,
    is_overlay_allowed,
    can_train,
    can_eval,
    outcome,
    outcome_class,
    beads_project_id,
    bead_id,
    rank_score,
    turn_count,
    started_at,
    ended_at,
    consent_reason is null and gate_reason is null and maturity_reason is null as is_candidate,
    consent_reason is null and gate_reason is null and maturity_reason is null and is_without_outcome as is_without_outcome,
    case
        when consent_reason is not null then 'consent'
        when gate_reason is not null then 'gate'
        when maturity_reason is not null then 'maturity'
    end as excluded_stage,
    coalesce(consent_reason, gate_reason, maturity_reason) as excluded_reason
from judged
