{{ config(
    incremental=true,
    unique_key=['episode_key', 'kind', 'source', 'evidence_key'],
    touched_key=['session_key'],
    touched_sql="{{ attempt_sessions() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key', 'occurred_at', 'evidence_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key'],
    tags=['scope:shard']
) }}

{% set touched_sessions = attempt_sessions() %}
{% set linked_beads = beads_of_sessions('attempt', touched_sessions) %}

with episodes as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        town_id,
        agent_address,
        first_message_number,
        last_message_number,
        started_at,
        ended_at
    from {{ part_of(ref('fct_episodes'), touched_sessions) }}
    where role = 'mayor' and kind <> 'question' and {{ session_rows(touched_sessions) }}

),

commands as (

    select
        episodes.episode_key,
        commands.tool_call_key,
        commands.command_number,
        commands.verb,
        commands.bead_id,
        commands.called_at
    from {{ part_of(ref('int_town_commands'), touched_sessions) }} as commands
    inner join episodes
        on
            commands.session_key = episodes.session_key
            and commands.message_number >= episodes.first_message_number
            and commands.message_number <= episodes.last_message_number
    where
        commands.program = 'gt'
        and commands.verb in ('sling', 'escalate close')
        and commands.agent_key = 'main'
        and commands.is_on_live_path
        and not commands.is_fork_copy
        and not commands.is_help
        and not commands.is_error
        and {{ session_rows(touched_sessions, 'commands') }}

),

links as (

    select
        bridge.episode_key,
        bridge.beads_project_id,
        bridge.bead_id
    from {{ part_of(ref('bridge_episode_bead'), touched_sessions) }} as bridge
    inner join episodes on bridge.episode_key = episodes.episode_key

),

attempts as (

    select
        attempt_key,
        beads_project_id,
        bead_id,
        started_by_address,
        hooked_at
    from {{ part_of(ref('fct_attempts'), linked_beads) }}

),

-- What was slung in the stretch, by the command or by the hook that followed.
dispatched as (

    select
        links.episode_key,
        links.beads_project_id,
        links.bead_id
    from links
    inner join commands on links.episode_key = commands.episode_key and commands.verb = 'sling' and links.bead_id = commands.bead_id
    union
    select
        links.episode_key,
        links.beads_project_id,
        links.bead_id
    from links
    inner join episodes on links.episode_key = episodes.episode_key
    inner join attempts
        on
            links.beads_project_id = attempts.beads_project_id
            and links.bead_id = attempts.bead_id
            and episodes.agent_address = attempts.started_by_address
            and episodes.started_at <= attempts.hooked_at
            and episodes.ended_at >= attempts.hooked_at

),

fates as (

    select
        dispatched.episode_key,
        dispatched.beads_project_id,
        dispatched.bead_id,
        max(case when evidence.outcome in ('merged', 'direct_merge') then 1 else 0 end) as merged,
        min(case when evidence.outcome in ('merged', 'direct_merge') then evidence.occurred_at end) as merged_at,
        cast(count(distinct attempts.attempt_key) as bigint) as attempt_count
    from dispatched
    left join attempts
        on dispatched.beads_project_id = attempts.beads_project_id and dispatched.bead_id = attempts.bead_id
    left join {{ part_of(ref('int_attempt_evidence'), linked_beads) }} as evidence
        on attempts.attempt_key = evidence.attempt_key
    group by dispatched.episode_key, dispatched.beads_project_id, dispatched.bead_id

),

shares as (

    select
        episode_key,
        cast(count(*) as bigint) as bead_count,
        cast(sum(merged) as bigint) as merged_count,
        max(merged_at) as last_merged_at
    from fates
    group by episode_key

),

evidence as (

    select
        episode_key, 'bead' as tier, 'dispatch' as kind, 'bead' as source,
        concat(beads_project_id, ' ', bead_id) as evidence_key, merged_at as occurred_at, cast(null as varchar) as outcome,
        concat_ws(
            ' ', bead_id, case when merged = 1 then 'merged' else 'not merged' end, 'after',
            cast(attempt_count as varchar), 'attempts'
        ) as says
    from fates
    union all
    select
        episode_key, 'bead' as tier, 'dispatched_share' as kind, 'episode' as source, episode_key as evidence_key,
        last_merged_at as occurred_at,
        case
            when merged_count = bead_count then 'all_merged' when merged_count > 0 then 'part_merged' else 'none_merged'
        end as outcome,
        concat(cast(merged_count as varchar), ' of ', cast(bead_count as varchar), ' merged') as says
    from shares
    union all
    select
        episode_key, 'transcript' as tier, 'escalation_closed' as kind, 'tool_call' as source,
        concat(tool_call_key, '#', cast(command_number as varchar)) as evidence_key, called_at as occurred_at,
        'escalations_answered' as outcome, concat('closed ', bead_id) as says
    from commands
    where verb = 'escalate close'

)

select
    evidence.episode_key,
    episodes.session_key,
    episodes.session_started_on,
    episodes.session_started_at,
    evidence.tier,
    evidence.kind,
    evidence.source,
    evidence.evidence_key,
    evidence.occurred_at,
    evidence.outcome,
    left(evidence.says, 200) as says
from evidence
inner join episodes on evidence.episode_key = episodes.episode_key
