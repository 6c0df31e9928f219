{{ config(
    incremental=true,
    unique_key=['session_key', 'agent_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'agent_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'started_at'],
    rows_per_file=500,
    tags=['scope:shard'],
) }}

with messages as (

    select
        session_key,
        session_started_on,
        session_started_at,
        agent_key,
        message_number,
        source,
        role,
        text_hash,
        source_call_id,
        recorded_at,
        row_number() over (
            partition by session_key, agent_key, role order by message_number
        ) as role_rank
    from {{ touched_part(ref('int_messages')) }}
    where agent_key <> 'main' and {{ of_touched_sessions() }}

),

agents as (

    select
        session_key,
        session_started_on,
        session_started_at,
        agent_key,
        cast(count(*) as bigint) as message_count,
        cast(count(case when role = 'assistant' then 1 end) as bigint) as assistant_message_count,
        min(message_number) as first_message_number,
        max(case when source = 'file' then 1 else 0 end) as in_file,
        max(case when role = 'user' and role_rank = 1 then text_hash end) as prompt_hash,
        min(recorded_at) as started_at,
        max(recorded_at) as ended_at
    from messages
    group by session_key, session_started_on, session_started_at, agent_key

),

calls as (

    select
        session_key,
        tool_call_key,
        call_id,
        agent_key as caller_key,
        agent_type,
        agent_prompt_hash,
        result_agent_id
    from {{ touched_part(ref('int_tool_calls_paired')) }}
    where
        (agent_prompt_hash is not null or agent_type is not null or result_agent_id is not null)
        and {{ of_touched_sessions() }}

),

-- Embedded copies name the call they report to, also where the sub-agent's own file has the messages.
reports as (

    select distinct
        session_key,
        agent_id as agent_key,
        source_call_id as call_id
    from {{ claude_entries_of(touched_sessions_sql()) }}
    where source = 'embedded' and source_call_id is not null and {{ of_touched_sessions() }}

),

votes as (

    select
        agents.session_key,
        agents.agent_key,
        calls.tool_call_key,
        calls.caller_key,
        calls.agent_type,
        'result' as link_evidence,
        1 as priority
    from agents
    inner join calls on agents.session_key = calls.session_key and agents.agent_key = calls.result_agent_id
    union all
    select
        reports.session_key,
        reports.agent_key,
        calls.tool_call_key,
        calls.caller_key,
        calls.agent_type,
        'report' as link_evidence,
        2 as priority
    from reports
    inner join calls on reports.session_key = calls.session_key and reports.call_id = calls.call_id
    union all
    select
        agents.session_key,
        agents.agent_key,
        calls.tool_call_key,
        calls.caller_key,
        calls.agent_type,
        'prompt' as link_evidence,
        3 as priority
    from agents
    inner join calls on agents.session_key = calls.session_key and agents.prompt_hash = calls.agent_prompt_hash

),

ranked as (

    select
        *,
        row_number() over (partition by session_key, agent_key order by priority, tool_call_key) as vote_rank
    from votes
    -- Nobody starts himself.
    where agent_key <> caller_key

),

parents as (

    select
        session_key,
        agent_key as run,
        caller_key
    from ranked
    where vote_rank = 1

),

-- Sub-agents start sub-agents: depth by doubling, up to 8 levels.
level_0 as (

    select session_key, run, caller_key as up, 1 as depth from parents

),

level_1 as (

    select
        below.session_key,
        below.run,
        coalesce(above.up, below.up) as up,
        below.depth + coalesce(above.depth, 0) as depth
    from level_0 as below
    left join level_0 as above on below.session_key = above.session_key and below.up = above.run

),

level_2 as (

    select
        below.session_key,
        below.run,
        coalesce(above.up, below.up) as up,
        below.depth + coalesce(above.depth, 0) as depth
    from level_1 as below
    left join level_1 as above on below.session_key = above.session_key and below.up = above.run

),

level_3 as (

    select
        below.session_key,
        below.run,
        below.depth + coalesce(above.depth, 0) as depth
    from level_2 as below
    left join level_2 as above on below.session_key = above.session_key and below.up = above.run

)

select
    agents.session_key,
    agents.session_started_on,
    agents.session_started_at,
    agents.agent_key,
    case
        when agents.agent_key like 'inline:%' then 'inline'
        when agents.in_file = 1 then 'file'
        else 'embedded'
    end as source,
    case when agents.agent_key like 'acompact%' then 'compaction' else 'task' end as agent_kind,
    ranked.agent_type,
    ranked.caller_key as parent_agent_key,
    ranked.tool_call_key as parent_tool_call_key,
    coalesce(ranked.link_evidence, 'none') as link_evidence,
    cast(coalesce(level_3.depth, 1) as bigint) as depth,
    agents.message_count,
    agents.assistant_message_count,
    agents.first_message_number,
    agents.started_at,
    agents.ended_at
from agents
left join ranked
    on agents.session_key = ranked.session_key and agents.agent_key = ranked.agent_key and ranked.vote_rank = 1
left join level_3 on agents.session_key = level_3.session_key and agents.agent_key = level_3.run
