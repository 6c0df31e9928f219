{{ config(
    incremental=true,
    unique_key=['episode_key'],
    touched_key=['session_key'],
    touched_sql="{{ episode_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_number'],
    statistics=['session_key', 'episode_key', 'town_id', 'session_started_on', 'session_started_at', 'started_at', 'ended_at'],
    rows_per_file=2000,
    tags=['scope:shard'],
) }}

with starts as (

    select
        session_key,
        message_number,
        episode_number,
        agent_role,
        start_kind,
        is_question,
        row_number() over (
            partition by session_key, episode_number
            order by {{ start_rank('start_kind') }} desc, message_number
        ) as kind_rank
    from {{ episode_part(ref('int_episode_starts')) }}
    where {{ of_episode_sessions() }}

),

groups as (

    select
        session_key,
        episode_number,
        agent_role,
        min(message_number) as first_message_number,
        max(case when start_kind = 'startup' then 1 else 0 end) = 1 as has_startup,
        max(case when kind_rank = 1 then start_kind end) as start_reason,
        max(case when kind_rank = 1 and is_question then 1 else 0 end) = 1 as is_question
    from starts
    group by session_key, episode_number, agent_role

),

stretches as (

    select
        *,
        lead(first_message_number) over (partition by session_key order by episode_number) as next_message_number
    from groups

),

-- A stretch ends where the agent hands its work in (the last time, when it had to repeat that); what it says after that is its own.
endings as (

    select
        stretches.session_key,
        stretches.episode_number,
        max(ends.message_number) as end_message_number
    from stretches
    inner join {{ episode_part(ref('int_episode_ends')) }} as ends
        on
            stretches.session_key = ends.session_key
            and stretches.first_message_number <= ends.message_number
            and coalesce(stretches.next_message_number > ends.message_number, true)
    where {{ of_episode_sessions('ends') }}
    group by stretches.session_key, stretches.episode_number

),

ranges as (

    select
        stretches.*,
        endings.end_message_number,
        coalesce(endings.end_message_number, stretches.next_message_number - 1) as limit_message_number
    from stretches
    left join endings
        on stretches.session_key = endings.session_key and stretches.episode_number = endings.episode_number

),

messages as (

    select
        messages.session_key,
        messages.session_started_on,
        messages.session_started_at,
        messages.message_key,
        messages.message_number,
        coalesce(messages.response_key, messages.message_key) as turn_key,
        messages.role,
        messages.origin,
        messages.git_branch,
        messages.tool_call_count,
        messages.tool_error_count,
        messages.recorded_at,
        ranges.episode_number,
        ranges.agent_role,
        ranges.start_reason,
        ranges.is_question,
        ranges.has_startup,
        ranges.next_message_number,
        ranges.end_message_number
    from {{ episode_part(ref('int_messages')) }} as messages
    inner join ranges
        on
            messages.session_key = ranges.session_key
            and messages.message_number >= ranges.first_message_number
            and messages.message_number <= coalesce(ranges.limit_message_number, messages.message_number)
    where
        messages.agent_key = 'main'
        and messages.is_on_live_path
        and not messages.is_fork_copy
        -- What the harness notes when a turn is over is not part of it.
        and coalesce(messages.entry_subtype, '') not in ('stop_hook_summary', 'turn_duration')
        and {{ of_episode_sessions('messages') }}

),

branches as (

    select
        session_key,
        episode_number,
        git_branch,
        row_number() over (
            partition by session_key, episode_number order by count(*) desc, max(message_number) desc
        ) as branch_rank
    from messages
    where git_branch <> ''
    group by session_key, episode_number, git_branch

),

merge_work as (

    select distinct
        ranges.session_key,
        ranges.episode_number
    from ranges
    inner join {{ episode_part(ref('int_town_commands')) }} as commands
        on
            ranges.session_key = commands.session_key
            and ranges.first_message_number <= commands.message_number
            and coalesce(ranges.limit_message_number >= commands.message_number, true)
    where
        ranges.agent_role = 'refinery'
        and commands.agent_key = 'main'
        and commands.is_on_live_path
        and not commands.is_fork_copy
        and (
            commands.verb in ('mq post-merge', 'mq reject')
            or (commands.verb in ('merge', 'rebase') and commands.branch is not null)
        )
        and {{ of_episode_sessions('commands') }}

),

episodes as (

    select
        session_key,
        session_started_on,
        session_started_at,
        episode_number,
        agent_role,
        start_reason,
        is_question,
        has_startup,
        next_message_number,
        end_message_number,
        min(message_number) as first_message_number,
        max(message_number) as last_message_number,
        cast(count(distinct turn_key) as bigint) as turn_count,
        cast(sum(tool_call_count) as bigint) as tool_call_count,
        cast(sum(tool_error_count) as bigint) as tool_error_count,
        cast(sum(case when origin = 'human' then 1 else 0 end) as bigint) as human_message_count,
        min(recorded_at) as started_at,
        max(recorded_at) as ended_at
    from messages
    group by
        session_key,
        session_started_on,
        session_started_at,
        episode_number,
        agent_role,
        start_reason,
        is_question,
        has_startup,
        next_message_number,
        end_message_number
    -- Where nobody answered there was no work.
    having max(case when role = 'assistant' then 1 else 0 end) = 1

)

select
    {{ text_hash("concat(episodes.session_key, '|', first_messages.message_key)") }} as episode_key,
    episodes.session_key,
    episodes.session_started_on,
    episodes.session_started_at,
    sessions.town_id,
    sessions.role,
    sessions.role_family,
    sessions.agent_address,
    sessions.rig,
    cast(row_number() over (partition by episodes.session_key order by episodes.episode_number) as bigint) as episode_number,
    case
        when episodes.agent_role = 'polecat' and (episodes.has_startup or episodes.start_reason in ('assignment', 'nudge'))
            then 'attempt'
        when
            episodes.agent_role = 'refinery'
            and (
                episodes.start_reason = 'merge_request'
                or (merge_work.session_key is not null and episodes.start_reason not in ('human', 'command'))
            )
            then 'merge_request'
        when
            episodes.agent_role in ('witness', 'refinery', 'deacon', 'boot', 'dog')
            and (episodes.has_startup or episodes.start_reason not in ('human', 'command'))
            then 'cycle'
        when episodes.start_reason in ('mail', 'nudge') then 'mail'
        when episodes.is_question then 'question'
        else 'request'
    end as kind,
    episodes.start_reason,
    case
        when episodes.end_message_number is not null then ends.command
        when episodes.next_message_number is not null then 'next_assignment'
        else 'session_end'
    end as end_reason,
    episodes.first_message_number,
    episodes.last_message_number,
    first_messages.message_key as first_message_key,
    last_messages.message_key as last_message_key,
    branches.git_branch,
    episodes.turn_count,
    episodes.tool_call_count,
    episodes.tool_error_count,
    episodes.human_message_count,
    episodes.started_at,
    episodes.ended_at
from episodes
inner join {{ episode_part(ref('dim_sessions')) }} as sessions
    on episodes.session_key = sessions.session_key
inner join messages as first_messages
    on episodes.session_key = first_messages.session_key and episodes.first_message_number = first_messages.message_number
inner join messages as last_messages
    on episodes.session_key = last_messages.session_key and episodes.last_message_number = last_messages.message_number
left join branches
    on
        episodes.session_key = branches.session_key
        and episodes.episode_number = branches.episode_number
        and branches.branch_rank = 1
left join merge_work
    on episodes.session_key = merge_work.session_key and episodes.episode_number = merge_work.episode_number
left join {{ episode_part(ref('int_episode_ends')) }} as ends
    on episodes.session_key = ends.session_key and episodes.end_message_number = ends.message_number
