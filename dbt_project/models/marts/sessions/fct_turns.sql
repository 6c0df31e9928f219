{{ config(
    incremental=true,
    unique_key=['turn_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'turn_number'],
    statistics=['session_key', 'turn_key', 'session_started_on', 'session_started_at', 'started_at'],
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
        coalesce(response_key, message_key) as turn_key,
        response_key,
        agent_key,
        harness,
        town_id,
        role,
        origin,
        injection_kind,
        text_block_count,
        thinking_block_count,
        tool_call_count,
        tool_result_count,
        tool_error_count,
        image_count,
        context_segment,
        is_on_live_path,
        is_fork_copy,
        is_api_error,
        recorded_at
    from {{ touched_part(ref('int_messages')) }}
    where {{ of_touched_sessions() }}

),

turns as (

    select
        turn_key,
        session_key,
        session_started_on,
        session_started_at,
        agent_key,
        harness,
        town_id,
        role,
        min(origin) as origin,
        min(injection_kind) as injection_kind,
        min(message_number) as first_message_number,
        cast(count(*) as bigint) as message_count,
        cast(sum(text_block_count) as bigint) as text_block_count,
        cast(sum(thinking_block_count) as bigint) as thinking_block_count,
        cast(sum(tool_call_count) as bigint) as tool_call_count,
        cast(sum(tool_result_count) as bigint) as tool_result_count,
        cast(sum(tool_error_count) as bigint) as tool_error_count,
        cast(sum(image_count) as bigint) as image_count,
        min(context_segment) as context_segment,
        max(case when is_on_live_path then 1 else 0 end) = 1 as is_on_live_path,
        min(case when is_fork_copy then 1 else 0 end) = 1 as is_fork_copy,
        max(case when is_api_error then 1 else 0 end) = 1 as is_api_error,
        min(recorded_at) as started_at,
        max(recorded_at) as ended_at
    from messages
    group by turn_key, session_key, session_started_on, session_started_at, agent_key, harness, town_id, role

),

numbered as (

    select
        *,
        cast(row_number() over (partition by session_key order by first_message_number) as bigint) as turn_number
    from turns

),

pieces as (

    select
        messages.turn_key,
        messages.message_number,
        blocks.block_index,
        case when blocks.block_type = 'text' then blocks.text end as text,
        case when blocks.block_type = 'thinking' then blocks.text end as thinking_text
    from {{ touched_part(ref('stg_claude__content_blocks')) }} as blocks
    inner join messages on blocks.record_key = messages.record_key
    where
        blocks.block_type in ('text', 'thinking')
        and blocks.text <> ''
        and {{ of_touched_sessions('blocks') }}

),

-- The condition stands here: in a left join's own condition it would cost a comparison of every row with every other.
responses as (

    select
        response_key,
        model,
        stop_reason,
        input_tokens,
        output_tokens,
        trusted_output_tokens,
        cache_creation_tokens,
        cache_read_tokens,
        is_output_placeholder
    from {{ touched_part(ref('int_api_responses')) }}
    where {{ of_touched_sessions() }}

),

texts as (

    select
        turn_key,
        {{ joined_text('text', line_break(), 'message_number, block_index') }} as text,
        {{ joined_text('thinking_text', line_break(), 'message_number, block_index') }} as thinking_text
    from pieces
    group by turn_key

)

select
    numbered.turn_key,
    numbered.session_key,
    numbered.session_started_on,
    numbered.session_started_at,
    numbered.turn_number,
    numbered.agent_key,
    numbered.harness,
    numbered.town_id,
    numbered.role,
    numbered.origin,
    numbered.injection_kind,
    responses.model,
    responses.stop_reason,
    texts.text,
    texts.thinking_text,
    numbered.first_message_number,
    numbered.message_count,
    numbered.tool_call_count,
    numbered.tool_result_count,
    numbered.tool_error_count,
    numbered.image_count,
    cast(coalesce(length(texts.text), 0) as bigint) as text_characters,
    numbered.context_segment,
    responses.input_tokens,
    responses.output_tokens,
    responses.trusted_output_tokens,
    responses.cache_creation_tokens,
    responses.cache_read_tokens,
    coalesce(responses.is_output_placeholder, false) as is_output_placeholder,
    numbered.agent_key <> 'main' as is_subagent,
    numbered.is_on_live_path,
    numbered.is_fork_copy,
    numbered.is_api_error,
    numbered.started_at,
    numbered.ended_at
from numbered
left join responses on numbered.turn_key = responses.response_key
left join texts on numbered.turn_key = texts.turn_key
