{{ config(
    incremental=true,
    unique_key=['response_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'first_message_number'],
    statistics=['session_key', 'response_key', 'session_started_on', 'session_started_at', 'started_at'],
    rows_per_file=4000,
    tags=['scope:shard'],
) }}

with messages as (

    select
        session_key,
        session_started_on,
        session_started_at,
        response_key,
        message_number,
        agent_key,
        source,
        harness,
        response_id,
        request_id,
        model,
        stop_reason,
        input_tokens,
        output_tokens,
        cache_creation_tokens,
        cache_read_tokens,
        block_count,
        tool_call_count,
        text_characters + tool_input_characters as written_characters,
        is_on_live_path,
        is_fork_copy,
        is_api_error,
        is_usage_unreadable,
        recorded_at,
        first_value(model) over (partition by response_key order by message_number) as first_model,
        last_value(stop_reason) over (
            partition by response_key
            order by case when stop_reason is null then 0 else 1 end, message_number
            rows between unbounded preceding and unbounded following
        ) as last_stop_reason,
        last_value(output_tokens) over (
            partition by response_key
            order by case when output_tokens is null then 0 else 1 end, message_number
            rows between unbounded preceding and unbounded following
        ) as last_output_tokens
    from {{ touched_part(ref('int_messages')) }}
    where response_key is not null and {{ of_touched_sessions() }}

),

responses as (

    select
        response_key,
        session_key,
        session_started_on,
        session_started_at,
        min(message_number) as first_message_number,
        min(agent_key) as agent_key,
        min(harness) as harness,
        min(source) as source,
        min(response_id) as response_id,
        min(request_id) as request_id,
        min(first_model) as model,
        min(last_stop_reason) as stop_reason,
        cast(count(*) as bigint) as message_count,
        cast(sum(block_count) as bigint) as block_count,
        cast(sum(tool_call_count) as bigint) as tool_call_count,
        cast(sum(written_characters) as bigint) as written_characters,
        max(input_tokens) as input_tokens,
        max(output_tokens) as output_tokens,
        min(last_output_tokens) as last_output_tokens,
        max(cache_creation_tokens) as cache_creation_tokens,
        max(cache_read_tokens) as cache_read_tokens,
        max(case when is_on_live_path then 1 else 0 end) = 1 as is_on_live_path,
        min(case when is_fork_copy then 1 else 0 end) = 1 as is_fork_copy,
        max(case when is_api_error then 1 else 0 end) = 1 as is_api_error,
        max(case when is_usage_unreadable then 1 else 0 end) = 1 as is_usage_unreadable,
        min(recorded_at) as started_at,
        max(recorded_at) as ended_at
    from messages
    group by response_key, session_key, session_started_on, session_started_at

),

judged as (

    select
        *,
        -- A tool call alone costs more than ten tokens. In the real sets measured counts stand for up to eight characters a token,
        -- first guesses of a stream that were never brought up to date for sixteen and more: ten lies between.
        coalesce(
            (output_tokens <= 10 and tool_call_count > 0)
            or output_tokens * 10 < written_characters,
            false
        ) as is_output_placeholder
    from responses

)

select
    response_key,
    session_key,
    session_started_on,
    session_started_at,
    first_message_number,
    agent_key,
    harness,
    source,
    response_id,
    request_id,
    model,
    stop_reason,
    message_count,
    block_count,
    tool_call_count,
    written_characters,
    input_tokens,
    output_tokens,
    last_output_tokens,
    case when not is_output_placeholder then output_tokens end as trusted_output_tokens,
    cache_creation_tokens,
    cache_read_tokens,
    is_output_placeholder,
    is_on_live_path,
    is_fork_copy,
    is_api_error,
    is_usage_unreadable,
    agent_key <> 'main' as is_subagent,
    started_at,
    ended_at
from judged
