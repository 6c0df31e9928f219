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
{% set linked_beads = beads_of_sessions('merge', touched_sessions) %}

with episodes as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        first_message_number,
        last_message_number,
        started_at,
        ended_at,
        -- The first words of the next request may still be about this one.
        coalesce(
            lead(first_message_number) over (partition by session_key order by episode_number),
            last_message_number
        ) as next_message_number
    from {{ part_of(ref('fct_episodes'), touched_sessions) }}
    where role = 'crew' and kind <> 'question' and {{ session_rows(touched_sessions) }}

),

words as (

    select
        messages.session_key,
        messages.message_key,
        messages.message_number,
        messages.recorded_at,
        messages.text_head,
        -- Somebody who says thanks and then what is wrong, corrects.
        max(case when phrases.reaction = 'correction' then 1 else 0 end) as correction
    from {{ part_of(ref('int_messages'), touched_sessions) }} as messages
    inner join {{ ref('human_reaction_phrases') }} as phrases
        on
            (phrases.place = 'start' and lower(messages.text_head) like concat(phrases.phrase, '%'))
            or (phrases.place = 'anywhere' and lower(messages.text_head) like concat('%', phrases.phrase, '%'))
    where
        messages.origin = 'human'
        and messages.agent_key = 'main'
        and messages.is_on_live_path
        and not messages.is_fork_copy
        and {{ session_rows(touched_sessions, 'messages') }}
    group by messages.session_key, messages.message_key, messages.message_number, messages.recorded_at, messages.text_head

),

replies as (

    select
        episodes.episode_key,
        words.message_key,
        words.recorded_at,
        words.correction,
        words.text_head,
        row_number() over (partition by words.message_key order by episodes.first_message_number) as choice,
        words.message_number = episodes.first_message_number as is_own_request
    from episodes
    inner join words
        on
            episodes.session_key = words.session_key
            and episodes.first_message_number <= words.message_number
            and (episodes.next_message_number >= words.message_number or episodes.last_message_number >= words.message_number)

),

links as (

    select
        episodes.episode_key,
        episodes.started_at,
        episodes.ended_at,
        bridge.beads_project_id,
        bridge.bead_id
    from episodes
    inner join {{ part_of(ref('bridge_episode_bead'), touched_sessions) }} as bridge
        on episodes.episode_key = bridge.episode_key and bridge.link_kind = 'primary'

),

changes as (

    select
        links.episode_key,
        events.event_key,
        events.occurred_at,
        events.actor_address,
        events.is_close,
        events.is_reopen,
        events.close_reason
    from links
    inner join {{ part_of(ref('fct_bead_events'), linked_beads) }} as events
        on
            links.beads_project_id = events.beads_project_id
            and links.bead_id = events.bead_id
            and {{ seconds_added('links.started_at', -5) }} <= events.occurred_at
            and {{ seconds_between('links.ended_at', 'events.occurred_at') }} <= 86400 * {{ outcome_threshold('merge_kept_days') }}
    where events.is_close or events.is_reopen

),

commits as (

    select
        episodes.episode_key,
        commands.tool_call_key,
        commands.command_number,
        commands.verb,
        commands.commit_sha,
        commands.called_at
    from {{ part_of(ref('int_town_commands'), touched_sessions) }} as commands
    inner join episodes
        on
            commands.session_key = episodes.session_key
            and commands.message_number >= episodes.first_message_number
            and commands.message_number <= episodes.last_message_number
    where
        commands.program = 'git'
        and (commands.verb = 'revert' or (commands.verb = 'commit' and commands.commit_sha is not null))
        and commands.agent_key = 'main'
        and commands.is_on_live_path
        and not commands.is_fork_copy
        and not commands.is_error
        and {{ session_rows(touched_sessions, 'commands') }}

),

evidence as (

    select
        episode_key, 'transcript' as tier, 'reply' as kind, 'message' as source, message_key as evidence_key,
        recorded_at as occurred_at, case when correction = 1 then 'corrected' else 'accepted' end as outcome, text_head as says
    from replies
    where choice = 1 and not is_own_request
    union all
    select
        episode_key, 'bead' as tier, 'reopen' as kind, 'bead_event' as source, event_key as evidence_key,
        occurred_at, 'corrected' as outcome, concat('reopened by ', coalesce(actor_address, 'somebody')) as says
    from changes
    where is_reopen
    union all
    select
        episode_key, 'bead' as tier, 'close' as kind, 'bead_event' as source, event_key as evidence_key,
        occurred_at, cast(null as varchar) as outcome, coalesce(close_reason, 'closed without a reason') as says
    from changes
    where is_close
    union all
    select
        episode_key, 'transcript' as tier, verb as kind, 'tool_call' as source,
        concat(tool_call_key, '#', cast(command_number as varchar)) as evidence_key, called_at as occurred_at,
        cast(null as varchar) as outcome, concat_ws(' ', verb, commit_sha) as says
    from commits

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
