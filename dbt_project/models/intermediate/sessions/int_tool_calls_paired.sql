{{ config(
    incremental=true,
    unique_key=['tool_call_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'message_number', 'block_index'],
    statistics=['session_key', 'tool_call_key', 'message_key', 'session_started_on', 'session_started_at', 'called_at'],
    rows_per_file=4000,
    tags=['scope:shard'],
) }}

with messages as (

    select
        session_key,
        session_started_on,
        session_started_at,
        message_key,
        message_number,
        record_key,
        agent_key,
        response_key,
        role,
        is_on_live_path,
        is_fork_copy,
        is_result_interrupted,
        result_agent_id,
        recorded_at
    from {{ touched_part(ref('int_messages')) }}
    where (tool_call_count > 0 or tool_result_count > 0) and {{ of_touched_sessions() }}

),

blocks as (

    select
        record_key,
        block_index,
        block_type,
        tool_use_id,
        tool_name,
        agent_type,
        agent_prompt_hash,
        is_error,
        has_image,
        text_characters,
        tool_input_characters,
        case when block_type = 'tool_result' then left(text, 200) end as result_head
    from {{ touched_part(ref('stg_claude__content_blocks')) }}
    where block_type in ('tool_use', 'tool_result') and {{ of_touched_sessions() }}

),

calls as (

    select
        messages.session_key,
        messages.session_started_on,
        messages.session_started_at,
        messages.message_key,
        messages.message_number,
        messages.record_key,
        messages.agent_key,
        messages.response_key,
        messages.is_on_live_path,
        messages.is_fork_copy,
        messages.recorded_at,
        blocks.block_index,
        blocks.tool_use_id,
        blocks.tool_name,
        blocks.agent_type,
        blocks.agent_prompt_hash,
        blocks.tool_input_characters,
        -- Ids may repeat or be empty: the nth call with an id belongs to the nth result with it.
        row_number() over (
            partition by messages.session_key, blocks.tool_use_id order by messages.message_number, blocks.block_index
        ) as occurrence
    from messages
    inner join blocks on messages.record_key = blocks.record_key
    where blocks.block_type = 'tool_use'

),

results as (

    select
        messages.session_key,
        messages.message_key,
        messages.record_key,
        messages.recorded_at,
        messages.is_result_interrupted,
        messages.result_agent_id,
        blocks.block_index,
        blocks.tool_use_id,
        blocks.is_error,
        blocks.has_image,
        blocks.text_characters,
        blocks.result_head,
        row_number() over (
            partition by messages.session_key, blocks.tool_use_id order by messages.message_number, blocks.block_index
        ) as occurrence
    from messages
    inner join blocks on messages.record_key = blocks.record_key
    where blocks.block_type = 'tool_result' and blocks.tool_use_id is not null

),

last_messages as (

    select
        session_key,
        max(message_number) as last_message_number
    from messages
    group by session_key

)

select
    {{ text_hash("concat(calls.message_key, '|', cast(calls.block_index as varchar))") }} as tool_call_key,
    calls.session_key,
    calls.session_started_on,
    calls.session_started_at,
    calls.message_key,
    calls.message_number,
    calls.block_index,
    calls.record_key,
    calls.agent_key,
    calls.response_key,
    calls.tool_use_id as call_id,
    calls.tool_name,
    calls.agent_type,
    calls.agent_prompt_hash,
    calls.tool_input_characters,
    results.message_key as result_message_key,
    results.record_key as result_record_key,
    results.block_index as result_block_index,
    results.result_agent_id,
    results.text_characters as result_characters,
    case
        when results.session_key is not null then null
        when calls.tool_use_id is null then 'no_call_id'
        when calls.message_number >= last_messages.last_message_number then 'session_ended'
        else 'no_result'
    end as missing_result_reason,
    {{ to_bigint(regex_group('results.result_head', '^Exit code ([0-9]{1,9})')) }} as exit_code,
    calls.is_on_live_path,
    calls.is_fork_copy,
    calls.agent_key <> 'main' as is_subagent,
    results.session_key is not null as has_result,
    coalesce(results.is_error, false) as is_error,
    coalesce(
        results.is_error
        and (
            results.result_head like 'The user doesn_t want to proceed%'
            or results.result_head like 'The user doesn_t want to take this action%'
            or results.result_head like '[Request interrupted by user%'
        ),
        false
    ) as is_user_rejection,
    coalesce(results.is_result_interrupted, false) as is_interrupted,
    coalesce(results.has_image, false) as has_result_image,
    calls.recorded_at as called_at,
    results.recorded_at as result_at
from calls
inner join last_messages on calls.session_key = last_messages.session_key
left join results
    on
        calls.session_key = results.session_key
        and calls.tool_use_id = results.tool_use_id
        and calls.occurrence = results.occurrence
