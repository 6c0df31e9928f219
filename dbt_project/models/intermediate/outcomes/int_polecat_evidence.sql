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

with links as (

    select
        episode_key,
        attempt_key
    from {{ part_of(ref('bridge_episode_bead'), touched_sessions) }}
    where link_kind = 'primary' and attempt_key is not null

),

episodes as (

    select
        episodes.episode_key,
        episodes.session_key,
        episodes.session_started_on,
        episodes.session_started_at,
        episodes.first_message_number,
        episodes.last_message_number,
        links.attempt_key,
        -- What one session of an attempt shows counts for the others too.
        coalesce(links.attempt_key, episodes.episode_key) as work_key,
        row_number() over (
            partition by coalesce(links.attempt_key, episodes.episode_key)
            order by episodes.started_at desc, episodes.episode_key
        ) = 1 as is_last
    from {{ part_of(ref('fct_episodes'), touched_sessions) }} as episodes
    left join links on episodes.episode_key = links.episode_key
    where episodes.role = 'polecat' and episodes.kind <> 'question' and {{ session_rows(touched_sessions, 'episodes') }}

),

attempts as (

    select
        attempt_key,
        end_kind
    from {{ part_of(ref('fct_attempts'), linked_beads) }}

),

exits as (

    select
        episodes.work_key,
        'exit' as kind,
        concat(commands.tool_call_key, '#', cast(commands.command_number as varchar)) as evidence_key,
        commands.called_at as occurred_at,
        upper(coalesce(commands.status_argument, 'COMPLETED')) as says
    from {{ part_of(ref('int_town_commands'), touched_sessions) }} as commands
    inner join episodes
        on
            commands.session_key = episodes.session_key
            and commands.message_number >= episodes.first_message_number
            and commands.message_number <= episodes.last_message_number
    where
        commands.program = 'gt'
        and commands.verb = 'done'
        and commands.agent_key = 'main'
        and commands.is_on_live_path
        and not commands.is_fork_copy
        and not commands.is_help
        and not commands.is_refused
        and not commands.is_error
        and commands.has_result
        and {{ session_rows(touched_sessions, 'commands') }}

),

calls as (

    select
        episodes.work_key,
        episodes.is_last,
        episodes.attempt_key,
        calls.tool_call_key,
        calls.missing_result_reason,
        calls.called_at,
        lower(left(calls.tool_input, 4000)) as tool_input,
        lower(left(calls.result_text, 4000)) as result_text
    from {{ part_of(ref('fct_tool_calls'), touched_sessions) }} as calls
    inner join episodes
        on
            calls.session_key = episodes.session_key
            and calls.message_number >= episodes.first_message_number
            and calls.message_number <= episodes.last_message_number
    where
        calls.agent_key = 'main'
        and calls.is_on_live_path
        and not calls.is_fork_copy
        and {{ session_rows(touched_sessions, 'calls') }}

),

-- The transcript ends in the middle of a call, and the bead was taken from the polecat.
broken_off as (

    select
        calls.work_key,
        calls.tool_call_key,
        calls.called_at
    from calls
    inner join attempts on calls.attempt_key = attempts.attempt_key
    left join exits on calls.work_key = exits.work_key
    where
        calls.is_last
        and calls.missing_result_reason = 'session_ended'
        and attempts.end_kind in ('unhooked', 'rehooked')
        and exits.work_key is null

),

leftovers as (

    select distinct
        calls.work_key,
        calls.tool_call_key,
        calls.called_at
    from calls
    inner join {{ ref('outcome_text_rules') }} as rules
        on
            rules.text_kind = 'commit_message'
            and (calls.tool_input like rules.pattern or calls.result_text like rules.pattern)

),

shown as (

    select
        work_key, kind, 'tool_call' as source, evidence_key, occurred_at,
        case says
            when 'COMPLETED' then 'completed_unverified' when 'ESCALATED' then 'escalated' when 'DEFERRED' then 'deferred'
        end as outcome,
        says
    from exits
    union all
    select
        work_key, 'broken_off' as kind, 'tool_call' as source, tool_call_key as evidence_key, called_at as occurred_at,
        'crashed' as outcome, 'the transcript ends in the middle of a call' as says
    from broken_off
    union all
    select
        work_key, 'leftovers' as kind, 'tool_call' as source, tool_call_key as evidence_key, called_at as occurred_at,
        cast(null as varchar) as outcome, 'uncommitted work was saved by gt done' as says
    from leftovers

),

evidence as (

    select
        episodes.episode_key, attempts.tier, attempts.kind, attempts.source, attempts.evidence_key, attempts.occurred_at,
        attempts.outcome, attempts.says
    from episodes
    inner join {{ part_of(ref('int_attempt_evidence'), linked_beads) }} as attempts on episodes.attempt_key = attempts.attempt_key
    union all
    select
        episodes.episode_key, 'transcript' as tier, shown.kind, shown.source, shown.evidence_key, shown.occurred_at,
        shown.outcome, shown.says
    from episodes
    inner join shown on episodes.work_key = shown.work_key

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
