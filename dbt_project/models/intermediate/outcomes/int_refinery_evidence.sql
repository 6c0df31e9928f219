{{ config(
    incremental=true,
    unique_key=['episode_key', 'kind', 'source', 'evidence_key'],
    touched_key=['session_key'],
    touched_sql="{{ merge_sessions() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key', 'occurred_at', 'evidence_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key'],
    tags=['scope:shard']
) }}

{% set touched_sessions = merge_sessions() %}
{% set columns = 'episode_key, tier, kind, source, evidence_key, occurred_at, outcome, says' %}
{% set linked_beads = beads_of_sessions('merge', touched_sessions) %}
{% set linked_works = bead_keys_as(linked_beads, 'work_id') %}

with episodes as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        agent_address,
        first_message_number,
        last_message_number,
        started_at,
        ended_at
    from {{ part_of(ref('fct_episodes'), touched_sessions) }}
    where role = 'refinery' and kind <> 'question' and {{ session_rows(touched_sessions) }}

),

links as (

    select
        episodes.episode_key,
        episodes.started_at,
        -- A bead's events are told to the second, and follow the command by moments.
        {{ seconds_added('episodes.started_at', -5) }} as events_from,
        {{ seconds_added('episodes.ended_at', 120) }} as events_until,
        bridge.beads_project_id,
        bridge.bead_id
    from episodes
    inner join {{ part_of(ref('bridge_episode_bead'), touched_sessions) }} as bridge
        on episodes.episode_key = bridge.episode_key and bridge.link_kind = 'primary'

),

changes as (

    select
        links.episode_key,
        links.events_from,
        links.events_until,
        events.beads_project_id,
        events.bead_id,
        events.event_key,
        events.occurred_at,
        events.actor_address,
        events.is_close,
        events.is_reopen,
        events.close_reason,
        events.merge_failure,
        events.merge_failure_type,
        events.merge_failure_reason,
        rules.signal,
        row_number() over (partition by links.episode_key, events.event_key order by rules.rule_number) as choice
    from links
    inner join {{ part_of(ref('fct_bead_events'), linked_beads) }} as events
        on
            links.beads_project_id = events.beads_project_id
            and links.bead_id = events.bead_id
            and links.events_from <= events.occurred_at
    left join {{ ref('outcome_text_rules') }} as rules
        on
            events.is_close
            and rules.text_kind = 'close_reason'
            and lower(coalesce(events.close_reason, '')) like rules.pattern
    where events.is_close or events.is_reopen or events.merge_failure is not null

),

merge_closings as (

    select
        episode_key,
        beads_project_id,
        bead_id,
        event_key,
        occurred_at,
        close_reason
    from changes
    where choice = 1 and is_close and signal = 'merged' and events_until >= occurred_at

),

failures as (

    select
        episode_key,
        beads_project_id,
        bead_id,
        event_key,
        occurred_at,
        merge_failure,
        case
            when merge_failure = 'rejected' then 'rejected'
            when merge_failure_type = 'conflict' then 'conflict_left'
            else 'sent_back'
        end as outcome,
        concat_ws(': ', merge_failure, merge_failure_type, merge_failure_reason) as says
    from changes
    where choice = 1 and merge_failure is not null and events_until >= occurred_at

),

reopenings as (

    select
        merge_closings.episode_key,
        changes.event_key,
        changes.occurred_at,
        concat('reopened by ', coalesce(changes.actor_address, 'somebody'), ' after ', merge_closings.close_reason) as says,
        row_number() over (partition by merge_closings.episode_key order by changes.occurred_at, changes.event_key) as choice
    from merge_closings
    inner join changes
        on
            merge_closings.episode_key = changes.episode_key
            and merge_closings.occurred_at <= changes.occurred_at
            and {{ seconds_between('merge_closings.occurred_at', 'changes.occurred_at') }}
            <= 86400 * {{ outcome_threshold('merge_kept_days') }}
    where changes.is_reopen and changes.choice = 1

),

objections as (

    select
        failures.episode_key,
        comments.comment_id,
        comments.created_at,
        comments.text,
        row_number() over (partition by failures.episode_key, comments.comment_id order by rules.rule_number) as choice
    from failures
    inner join {{ part_of(ref('stg_beads__comments'), linked_beads) }} as comments
        on
            failures.beads_project_id = comments.beads_project_id
            and failures.bead_id = comments.bead_id
            and failures.occurred_at <= comments.created_at
            and {{ seconds_between('failures.occurred_at', 'comments.created_at') }}
            <= 86400 * {{ outcome_threshold('merge_kept_days') }}
    inner join {{ ref('outcome_text_rules') }} as rules
        on rules.text_kind = 'bead_comment' and rules.signal = 'rejection_disputed' and lower(comments.text) like rules.pattern
    where failures.merge_failure = 'rejected'

),

requests as (

    select
        links.episode_key,
        links.started_at,
        requests.merge_request_id,
        requests.state,
        requests.reason,
        requests.commit_sha,
        requests.closed_at,
        links.events_from <= requests.closed_at and links.events_until >= requests.closed_at as is_ended_here
    from links
    inner join {{ part_of(ref('fct_merge_requests'), linked_works) }} as requests
        on links.beads_project_id = requests.beads_project_id and links.bead_id = requests.work_id

),

-- What was rejected and then merged as it was had been right.
vindicated as (

    select distinct
        rejected.episode_key,
        merged.merge_request_id,
        merged.closed_at
    from requests as rejected
    inner join requests as merged
        on
            rejected.episode_key = merged.episode_key
            and rejected.merge_request_id <> merged.merge_request_id
            and rejected.commit_sha = merged.commit_sha
            and rejected.closed_at < merged.closed_at
    where rejected.is_ended_here and rejected.state = 'rejected' and merged.state = 'merged'

),

commands as (

    select
        commands.tool_call_key,
        commands.command_number,
        commands.session_key,
        commands.message_number,
        commands.verb,
        commands.merge_request_id,
        commands.called_at
    from {{ part_of(ref('int_town_commands'), touched_sessions) }} as commands
    where
        commands.program = 'gt'
        and commands.verb in ('mq post-merge', 'mq reject', 'nudge', 'mail send')
        and commands.agent_key = 'main'
        and commands.is_on_live_path
        and not commands.is_fork_copy
        and not commands.is_help
        and not commands.is_error
        and {{ session_rows(touched_sessions, 'commands') }}

),

calls as (

    select
        tool_call_key,
        lower(left(tool_input, 4000)) as tool_input
    from {{ part_of(ref('fct_tool_calls'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

told as (

    select
        episodes.episode_key,
        commands.tool_call_key,
        commands.command_number,
        commands.called_at,
        commands.verb,
        commands.merge_request_id,
        rules.signal,
        row_number() over (
            partition by episodes.episode_key, commands.tool_call_key, commands.command_number
            order by rules.rule_number
        ) as choice
    from episodes
    inner join commands
        on
            episodes.session_key = commands.session_key
            and episodes.first_message_number <= commands.message_number
            and episodes.last_message_number >= commands.message_number
    left join calls on commands.tool_call_key = calls.tool_call_key
    left join {{ ref('outcome_text_rules') }} as rules
        on commands.verb in ('nudge', 'mail send') and rules.text_kind = 'command' and calls.tool_input like rules.pattern

),

evidence as (

    select
        episode_key, 'bead' as tier, 'close' as kind, 'bead_event' as source, event_key as evidence_key, occurred_at,
        'merged_kept' as outcome, close_reason as says
    from merge_closings
    union all
    select
        episode_key, 'bead' as tier, 'merge_failure' as kind, 'bead_event' as source, event_key as evidence_key, occurred_at,
        outcome, says
    from failures
    union all
    select
        episode_key, 'bead' as tier, 'reopen' as kind, 'bead_event' as source, event_key as evidence_key, occurred_at,
        'merged_reopened' as outcome, says
    from reopenings
    where choice = 1
    union all
    select
        episode_key, 'bead' as tier, 'objection' as kind, 'bead_comment' as source, comment_id as evidence_key,
        created_at as occurred_at, 'wrongly_rejected' as outcome, text as says
    from objections
    where choice = 1
    union all
    select
        episode_key, 'bead' as tier, 'merge_request' as kind, 'merge_request' as source, merge_request_id as evidence_key,
        closed_at as occurred_at, case state when 'merged' then 'merged_kept' when 'rejected' then 'rejected' end as outcome,
        concat_ws(': ', state, reason) as says
    from requests
    where is_ended_here
    union all
    select
        episode_key, 'bead' as tier, 'objection' as kind, 'merge_request' as source, merge_request_id as evidence_key,
        closed_at as occurred_at, 'wrongly_rejected' as outcome, 'merged later, unchanged' as says
    from vindicated
    union all
    select
        episode_key, 'transcript' as tier, 'command' as kind, 'tool_call' as source,
        concat(tool_call_key, '#', cast(command_number as varchar)) as evidence_key, called_at as occurred_at,
        case
            when verb = 'mq post-merge' then 'merged_kept'
            when verb = 'mq reject' then 'rejected'
            when signal = 'merge_conflict' then 'conflict_left'
            when signal = 'merge_sent_back' then 'sent_back'
        end as outcome,
        concat_ws(' ', verb, merge_request_id, signal) as says
    from told
    where choice = 1 and (signal is not null or verb in ('mq post-merge', 'mq reject'))

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
