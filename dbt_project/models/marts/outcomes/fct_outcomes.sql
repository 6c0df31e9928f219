{{ config(
    incremental=true,
    unique_key=['episode_key'],
    touched_key=['session_key'],
    touched_sql="{{ outcome_sessions() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_number'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key', 'town_id', 'settled_at'],
    rows_per_file=2000,
    tags=['scope:shard']
) }}

{% set touched_sessions = outcome_sessions() %}
{% set linked_beads = beads_of_sessions('all', touched_sessions) %}

with episodes as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        episode_number,
        town_id,
        role,
        role_family,
        kind,
        ended_at
    from {{ part_of(ref('fct_episodes'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

links as (

    select
        episode_key,
        beads_project_id,
        bead_id,
        attempt_key
    from {{ part_of(ref('bridge_episode_bead'), touched_sessions) }}
    where link_kind = 'primary'

),

weighed as (

    select
        episode_key,
        cast(count(*) as bigint) as evidence_count,
        max(case when is_deciding then outcome end) as outcome,
        min(case when is_deciding then tier_rank end) as tier_rank,
        min(case when is_deciding then occurred_at end) as decided_at,
        max(occurred_at) as last_evidence_at,
        max(case when kind = 'leftovers' then 1 else 0 end) as leftovers,
        max(case when kind = 'cycle' and says like '%deaths logged' then 1 else 0 end) as deaths_logged,
        max(case when kind in ('reopen', 'revert') then 1 else 0 end) as taken_back,
        min(case when kind = 'exit' then evidence_number end) as exit_number,
        cast(count(distinct case when kind = 'commit' then evidence_key end) as bigint) as commit_count
    from {{ part_of(ref('fct_outcome_evidence'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}
    group by episode_key

),

exits as (

    select
        episode_key,
        evidence_number,
        says as exit_type
    from {{ part_of(ref('fct_outcome_evidence'), touched_sessions) }}
    where kind = 'exit' and {{ session_rows(touched_sessions) }}

),

judged as (

    select
        episodes.*,
        links.beads_project_id,
        links.bead_id,
        links.attempt_key,
        coalesce(weighed.outcome, 'no_verifiable_outcome') as outcome,
        case weighed.tier_rank
            when 1 then 'telemetry' when 2 then 'formula' when 3 then 'bead' when 4 then 'town_event' when 5 then 'transcript'
        end as evidence_tier,
        coalesce(weighed.evidence_count, 0) as evidence_count,
        weighed.decided_at,
        weighed.last_evidence_at,
        coalesce(weighed.leftovers, 0) = 1 as has_autosaved_leftovers,
        coalesce(weighed.deaths_logged, 0) = 1 as has_death_log,
        coalesce(weighed.taken_back, 0) = 1 as is_taken_back,
        coalesce(weighed.commit_count, 0) as commit_count,
        exits.exit_type
    from episodes
    left join links on episodes.episode_key = links.episode_key
    left join weighed on episodes.episode_key = weighed.episode_key
    left join exits on weighed.episode_key = exits.episode_key and weighed.exit_number = exits.evidence_number

),

attempts as (

    select
        attempt_key,
        attempt_number,
        merge_request_id,
        hooked_at,
        ended_at,
        conflict_count,
        fix_needed_count,
        rejection_count
    from {{ part_of(ref('fct_attempts'), linked_beads) }}

),

beads as (

    select
        beads_project_id,
        bead_id,
        is_closed,
        last_closed_at,
        reopen_count,
        attempt_count,
        assignee_count,
        conflict_count,
        fix_needed_count,
        rejection_count
    from {{ part_of(ref('dim_beads'), linked_beads) }}

)

select
    judged.episode_key,
    judged.session_key,
    judged.session_started_on,
    judged.session_started_at,
    judged.episode_number,
    judged.town_id,
    judged.role,
    judged.role_family,
    judged.outcome,
    coalesce(rules.outcome_class, 'none') as outcome_class,
    coalesce(rules.is_admitting, false) and (not rules.needs_death_log or judged.has_death_log) as is_admitting,
    case
        when rules.outcome is null then 'role_unknown'
        when not rules.is_admitting then 'outcome'
        when rules.needs_death_log and not judged.has_death_log then 'no_death_log'
    end as not_admitting_reason,
    judged.evidence_tier,
    judged.evidence_count,
    case
        when judged.outcome <> 'no_verifiable_outcome' then null
        when judged.role_family is null then 'role_unknown'
        when judged.kind = 'question' then 'question'
        when judged.evidence_count > 0 then 'evidence_not_decisive'
        when judged.bead_id is null and judged.role in ('polecat', 'refinery') then 'not_linked'
        else 'no_evidence'
    end as no_outcome_reason,
    judged.beads_project_id,
    judged.bead_id,
    judged.attempt_key,
    attempts.attempt_number,
    attempts.merge_request_id,
    judged.exit_type,
    beads.reopen_count,
    beads.attempt_count,
    beads.assignee_count,
    coalesce(attempts.conflict_count, beads.conflict_count) as conflict_count,
    coalesce(attempts.fix_needed_count, beads.fix_needed_count) as fix_needed_count,
    coalesce(attempts.rejection_count, beads.rejection_count) as rejection_count,
    judged.has_autosaved_leftovers,
    judged.commit_count,
    case
        when judged.role <> 'crew' or judged.commit_count = 0 then null
        when judged.outcome = 'corrected' or judged.is_taken_back then false
        when judged.outcome = 'accepted' then true
    end as is_commit_kept,
    case
        when judged.role is null or judged.role <> 'crew' then 'not_crew'
        when judged.commit_count = 0 then 'no_commit'
        when judged.outcome not in ('accepted', 'corrected') and not judged.is_taken_back then 'not_judged'
    end as commit_unknown_reason,
    attempts.hooked_at,
    attempts.ended_at as attempt_ended_at,
    judged.decided_at,
    -- From then on nothing more was heard: of a bead its last closing, and nothing while it is open.
    case
        when judged.outcome = 'open' then null
        when judged.bead_id is null then greatest(judged.ended_at, coalesce(judged.last_evidence_at, judged.ended_at))
        when beads.is_closed then beads.last_closed_at
    end as settled_at
from judged
left join {{ ref('role_outcome_rules') }} as rules
    on judged.role_family = rules.role_family and judged.outcome = rules.outcome
left join attempts on judged.attempt_key = attempts.attempt_key
left join beads on judged.beads_project_id = beads.beads_project_id and judged.bead_id = beads.bead_id
