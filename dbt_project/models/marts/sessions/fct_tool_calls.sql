{{ config(
    incremental=true,
    unique_key=['tool_call_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'message_number', 'block_index'],
    statistics=['session_key', 'tool_call_key', 'turn_key', 'session_started_on', 'session_started_at', 'called_at'],
    rows_per_file=4000,
    tags=['scope:shard'],
) }}

with calls as (

    select * from {{ touched_part(ref('int_tool_calls_paired')) }}
    where {{ of_touched_sessions() }}

),

inputs as (

    select
        record_key,
        block_index,
        tool_input
    from {{ touched_part(ref('stg_claude__content_blocks')) }}
    where block_type = 'tool_use' and {{ of_touched_sessions() }}

),

results as (

    select
        record_key,
        block_index,
        text
    from {{ touched_part(ref('stg_claude__content_blocks')) }}
    where block_type = 'tool_result' and {{ of_touched_sessions() }}

)

select
    calls.tool_call_key,
    coalesce(calls.response_key, calls.message_key) as turn_key,
    calls.session_key,
    calls.session_started_on,
    calls.session_started_at,
    calls.message_key,
    calls.message_number,
    calls.block_index,
    calls.agent_key,
    calls.call_id,
    calls.tool_name,
    inputs.tool_input,
    results.text as result_text,
    calls.result_message_key,
    calls.missing_result_reason,
    calls.exit_code,
    calls.tool_input_characters,
    calls.result_characters,
    {{ seconds_between('calls.called_at', 'calls.result_at') }} as duration_seconds,
    calls.has_result,
    calls.is_error,
    calls.is_user_rejection,
    calls.is_interrupted,
    calls.has_result_image,
    calls.is_subagent,
    calls.is_on_live_path,
    calls.is_fork_copy,
    calls.called_at,
    calls.result_at
from calls
left join inputs on calls.record_key = inputs.record_key and calls.block_index = inputs.block_index
left join results on calls.result_record_key = results.record_key and calls.result_block_index = results.block_index
