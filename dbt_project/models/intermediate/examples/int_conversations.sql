{{ config(
    incremental=true,
    unique_key=['conversation_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_episode_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_number', 'agent_key'],
    statistics=['session_key', 'conversation_key', 'episode_key', 'session_started_on', 'session_started_at', 'started_at'],
    rows_per_file=2000,
    tags=['scope:shard'],
) }}

with episodes as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        town_id,
        role_family,
        episode_number,
        first_message_number,
        last_message_number,
        started_at,
        ended_at
    from {{ touched_episode_part(ref('fct_episodes')) }}
    where {{ of_touched_episodes() }}

),

subagents as (

    select
        session_key,
        agent_key,
        parent_agent_key,
        parent_tool_call_key
    from {{ touched_episode_part(ref('int_subagents')) }}
    -- The runtime's own summariser follows a prompt of the runtime, not of the town.
    where agent_kind = 'task' and parent_agent_key is not null and {{ of_touched_episodes() }}

),

runs as (

    select
        session_key,
        agent_key as run,
        case when parent_agent_key = 'main' then agent_key else parent_agent_key end as parent_run
    from subagents

),

{{ ancestors(3) }},

calls as (

    select
        session_key,
        tool_call_key,
        message_number
    from {{ touched_episode_part(ref('int_tool_calls_paired')) }}
    where agent_key = 'main' and is_on_live_path and not is_fork_copy and {{ of_touched_episodes() }}

),

-- The call of the main conversation that a sub-agent, or whoever started it, goes back to says where it belongs.
placed as (

    select
        episodes.episode_key,
        subagents.session_key,
        subagents.agent_key,
        subagents.parent_agent_key,
        subagents.parent_tool_call_key
    from subagents
    inner join jumps_3 as jumps on subagents.session_key = jumps.session_key and subagents.agent_key = jumps.run
    inner join subagents as roots
        on jumps.session_key = roots.session_key and jumps.up = roots.agent_key and roots.parent_agent_key = 'main'
    inner join calls on roots.session_key = calls.session_key and roots.parent_tool_call_key = calls.tool_call_key
    inner join episodes
        on
            calls.session_key = episodes.session_key
            and calls.message_number >= episodes.first_message_number
            and calls.message_number <= episodes.last_message_number

),

spans as (

    select
        session_key,
        agent_key,
        min(message_number) as first_message_number,
        max(message_number) as last_message_number,
        min(recorded_at) as started_at,
        max(recorded_at) as ended_at
    from {{ touched_episode_part(ref('int_messages')) }}
    where agent_key <> 'main' and is_on_live_path and not is_fork_copy and {{ of_touched_episodes() }}
    group by session_key, agent_key

)

select
    {{ conversation_key('episode_key', "'main'") }} as conversation_key,
    episode_key,
    session_key,
    session_started_on,
    session_started_at,
    town_id,
    role_family,
    episode_number,
    'main' as agent_key,
    false as is_subagent,
    cast(null as varchar) as parent_conversation_key,
    cast(null as varchar) as parent_tool_call_key,
    first_message_number,
    last_message_number,
    started_at,
    ended_at
from episodes
union all
select
    {{ conversation_key('episodes.episode_key', 'placed.agent_key') }} as conversation_key,
    episodes.episode_key,
    episodes.session_key,
    episodes.session_started_on,
    episodes.session_started_at,
    episodes.town_id,
    episodes.role_family,
    episodes.episode_number,
    placed.agent_key,
    true as is_subagent,
    {{ conversation_key('episodes.episode_key', 'placed.parent_agent_key') }} as parent_conversation_key,
    placed.parent_tool_call_key,
    spans.first_message_number,
    spans.last_message_number,
    spans.started_at,
    spans.ended_at
from placed
inner join episodes on placed.episode_key = episodes.episode_key
inner join spans on placed.session_key = spans.session_key and placed.agent_key = spans.agent_key
