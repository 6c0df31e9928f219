{{ config(
    incremental=false,
    unique_key=['episode_key', 'component', 'source', 'evidence_id'],
    touched_key=['session_key'],
    order_by=['session_key[:6]', 'session_key', 'episode_key', 'component', 'evidence_id'],
    statistics=['session_key', 'episode_key'],
    tags=['scope:global'],
) }}

with episodes as (

    select
        episodes.episode_key,
        episodes.session_key,
        episodes.town_id,
        episodes.agent_address,
        episodes.started_at,
        episodes.ended_at,
        links.primary_beads_project_id,
        links.primary_bead_id
    from {{ ref('fct_episodes') }} as episodes
    left join {{ ref('fct_episode_links') }} as links on episodes.episode_key = links.episode_key

),

escalations as (

    select
        escalations.escalation_id,
        escalations.raised_by_address,
        escalations.related_bead_id,
        escalations.raised_at,
        databases.town_id
    from {{ ref('fct_escalations') }} as escalations
    left join {{ ref('bridge_town_database') }} as databases on escalations.beads_project_id = databases.beads_project_id

),

-- Raised by the agent while it was at it, or meanwhile by another about the bead it was at.
escalated as (

    select
        episodes.episode_key,
        episodes.session_key,
        escalations.escalation_id as evidence_id
    from escalations
    inner join episodes
        on
            escalations.town_id = episodes.town_id
            and escalations.raised_by_address = episodes.agent_address
            and escalations.raised_at between episodes.started_at and episodes.ended_at
    union
    select
        episodes.episode_key,
        episodes.session_key,
        escalations.escalation_id as evidence_id
    from escalations
    inner join episodes
        on
            escalations.town_id = episodes.town_id
            and escalations.related_bead_id = episodes.primary_bead_id
            and escalations.raised_at between episodes.started_at and episodes.ended_at

),

deaths as (

    select distinct
        episodes.episode_key,
        episodes.session_key,
        deaths.evidence_key as evidence_id,
        deaths.source
    from {{ ref('int_agent_deaths') }} as deaths
    inner join episodes
        on
            deaths.town_id = episodes.town_id
            and deaths.agent_address = episodes.agent_address
            and deaths.died_at >= episodes.started_at
            and deaths.died_at <= {{ seconds_added('episodes.ended_at', '60 * ' ~ score_rule('crash_minutes')) }}
    where deaths.is_crash

),

convoys as (

    select
        bridge.beads_project_id,
        bridge.convoy_id,
        bridge.tracked_beads_project_id,
        bridge.tracked_bead_id,
        -- Closed is not merged: what asked to be merged is done when it was.
        case when beads.is_merged or (beads.is_closed and beads.merge_request_count = 0) then 1 else 0 end as done
    from {{ ref('bridge_convoy_bead') }} as bridge
    left join {{ ref('dim_beads') }} as beads
        on bridge.tracked_beads_project_id = beads.beads_project_id and bridge.tracked_bead_id = beads.bead_id
    where bridge.is_current

),

shares as (

    select
        *,
        cast(sum(done) over (partition by beads_project_id, convoy_id) as double)
        / count(*) over (partition by beads_project_id, convoy_id) as done_share
    from convoys

),

in_convoys as (

    select distinct
        links.episode_key,
        links.session_key,
        convoys.convoy_id as evidence_id,
        convoys.done_share
    from shares as convoys
    inner join {{ ref('bridge_episode_bead') }} as links
        on convoys.tracked_beads_project_id = links.beads_project_id and convoys.tracked_bead_id = links.bead_id

),

people_pairs as (

    select
        concat('judge of ', judgements.source) as judge_kind,
        judgements.judge,
        judgements.role_family,
        judgements.value >= 0.5 as is_judged_good,
        people.is_good,
        judgements.value as score,
        people.weight
    from {{ ref('int_judgements') }} as judgements
    inner join {{ ref('int_people_verdicts') }} as people on judgements.episode_key = people.episode_key

),

agreement as (

    {{ agreement_with_people('people_pairs') }}

),

judged as (

    select
        judgements.episode_key,
        judgements.session_key,
        judgements.source,
        judgements.evidence_id,
        judgements.value,
        case
            when agreement.pair_count >= {{ score_rule('judge_min_pairs') }} then greatest(coalesce(agreement.kappa, 0), 0) else 0
        end as trust
    from {{ ref('int_judgements') }} as judgements
    left join agreement
        on
            concat('judge of ', judgements.source) = agreement.judge_kind
            and judgements.judge = agreement.judge
            and judgements.role_family = agreement.role_family

)

select
    episode_key,
    session_key,
    'no_escalation' as component,
    'escalation' as source,
    evidence_id,
    cast(0 as double) as value,
    cast(1 as double) as trust
from escalated
union all
select
    episode_key,
    session_key,
    'no_crash' as component,
    source,
    evidence_id,
    cast(0 as double) as value,
    cast(1 as double) as trust
from deaths
union all
select
    episode_key,
    session_key,
    'convoy' as component,
    'convoy' as source,
    evidence_id,
    done_share as value,
    cast(1 as double) as trust
from in_convoys
union all
select
    episode_key,
    session_key,
    'judgement' as component,
    source,
    evidence_id,
    value,
    cast(trust as double) as trust
from judged
