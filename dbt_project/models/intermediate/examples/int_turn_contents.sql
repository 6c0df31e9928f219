{{ config(
    incremental=true,
    unique_key=['turn_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at'],
    rows_per_file=8000,
    tags=['scope:shard'],
) }}

with messages as (

    select
        record_key,
        session_key,
        session_started_on,
        session_started_at,
        injection_kind,
        coalesce(response_key, message_key) as turn_key
    from {{ touched_part(ref('int_messages')) }}
    where is_on_live_path and not is_fork_copy and role in ('user', 'assistant') and {{ of_touched_sessions() }}

),

counted as (

    select
        record_key,
        block_index,
        block_type,
        injection_kind,
        is_role_prompt,
        has_text or has_image as is_shown,
        token_count + case when has_image then {{ example_rule('image_tokens') }} else 0 end as token_count
    from {{ touched_part(ref('int_block_tokens')) }}
    where {{ of_touched_sessions() }}

),

blocks as (

    select
        messages.turn_key,
        counted.block_type,
        counted.is_role_prompt,
        counted.block_type in ('text', 'image') and counted.is_shown as is_text,
        case
            when coalesce(counted.injection_kind, messages.injection_kind) is null then true
            else coalesce(rules.is_kept, false) and not counted.is_role_prompt
        end as is_kept,
        counted.block_type = 'thinking' and counted.is_shown and {{ example_rule('keeps_thinking') }} = 1 as is_thinking,
        -- What stands between it and the block before it is a token as well.
        counted.token_count + 1 as token_count
    from messages
    inner join counted on messages.record_key = counted.record_key
    left join {{ ref('injection_rules') }} as rules
        on coalesce(counted.injection_kind, messages.injection_kind) = rules.injection_kind

),

said as (

    select
        turn_key,
        count(case when is_text then 1 end) as text_count,
        count(case when is_text and is_kept then 1 end) as kept_text_count,
        max(case when is_role_prompt then 1 else 0 end) as role_prompt,
        cast(sum(case when is_text and is_kept then token_count else 0 end) as bigint) as text_tokens,
        cast(sum(
            case when is_thinking then token_count + {{ example_rule('thinking_tokens') }} else 0 end
        ) as bigint) as thinking_tokens
    from blocks
    group by turn_key

),

calls as (

    select
        coalesce(paired.response_key, paired.message_key) as turn_key,
        paired.result_record_key,
        paired.has_result,
        called.token_count + {{ example_rule('call_tokens') }} as call_tokens,
        coalesce(answered.token_count, 0) + {{ example_rule('message_tokens') }} as result_tokens
    from {{ touched_part(ref('int_tool_calls_paired')) }} as paired
    inner join counted as called on paired.record_key = called.record_key and paired.block_index = called.block_index
    left join counted as answered
        on paired.result_record_key = answered.record_key and paired.result_block_index = answered.block_index
    where paired.is_on_live_path and paired.tool_name is not null and {{ of_touched_sessions('paired') }}

),

called as (

    select
        turn_key,
        count(*) as call_count,
        count(case when has_result then 1 end) as result_count,
        cast(sum(call_tokens) as bigint) as call_tokens,
        cast(sum(case when has_result then call_tokens else 0 end) as bigint) as answered_call_tokens,
        cast(sum(case when has_result then result_tokens else 0 end) as bigint) as result_tokens
    from calls
    group by turn_key

),

answers as (

    select distinct messages.turn_key
    from calls
    inner join messages on calls.result_record_key = messages.record_key

),

turns as (

    select distinct
        turn_key,
        session_key,
        session_started_on,
        session_started_at
    from messages

)

select
    turns.turn_key,
    turns.session_key,
    turns.session_started_on,
    turns.session_started_at,
    cast(coalesce(said.text_count, 0) as bigint) as text_count,
    cast(coalesce(said.kept_text_count, 0) as bigint) as kept_text_count,
    cast(coalesce(called.call_count, 0) as bigint) as call_count,
    cast(coalesce(called.result_count, 0) as bigint) as result_count,
    cast(coalesce(said.text_tokens, 0) as bigint) as text_tokens,
    cast(coalesce(said.thinking_tokens, 0) as bigint) as thinking_tokens,
    cast(coalesce(called.call_tokens, 0) as bigint) as call_tokens,
    cast(coalesce(called.answered_call_tokens, 0) as bigint) as answered_call_tokens,
    cast(coalesce(called.result_tokens, 0) as bigint) as result_tokens,
    coalesce(said.role_prompt, 0) = 1 as has_role_prompt,
    answers.turn_key is not null as is_answer
from turns
left join said on turns.turn_key = said.turn_key
left join called on turns.turn_key = called.turn_key
left join answers on turns.turn_key = answers.turn_key
