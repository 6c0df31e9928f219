{{ config(
    incremental=true,
    unique_key=['message_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'message_number'],
    statistics=['session_key', 'message_key', 'session_started_on', 'session_started_at', 'recorded_at'],
    rows_per_file=4000,
    tags=['scope:shard'],
) }}

with placed as (

    select
        entries.session_key,
        entries.session_started_on,
        entries.session_started_at,
        entries.record_key,
        entries.entry_key,
        entries.entry_number,
        case when entries.is_shareable then {{ text_number('entries.entry_key') }} end as uuid_hash,
        coalesce(paths.agent_key, entries.agent_id, 'main') as agent_key,
        -- An entry without an id cannot be branched from.
        coalesce(paths.is_on_path, true) as is_on_path
    from {{ touched_part(ref('int_entries')) }} as entries
    left join {{ touched_part(ref('int_live_path')) }} as paths on entries.record_key = paths.record_key
    where entries.entry_kind = 'message' and entries.dropped_reason is null and {{ of_touched_sessions('entries') }}

),

details as (

    select * from {{ claude_entries_of(touched_sessions_sql()) }}
    where entry_kind = 'message' and {{ of_touched_sessions() }}

),

blocks as (

    select
        record_key,
        block_type,
        injection_kind,
        text_head,
        text_hash,
        tool_use_id,
        is_error,
        has_image,
        text_characters,
        tool_input_characters,
        row_number() over (
            partition by record_key
            order by case when text_head is null then 1 when injection_kind is null then 0 else 1 end, block_index
        ) as text_rank
    from {{ touched_part(ref('stg_claude__content_blocks')) }}
    where {{ of_touched_sessions() }}

),

contents as (

    select
        record_key,
        cast(count(*) as bigint) as block_count,
        cast(count(case when block_type = 'text' then 1 end) as bigint) as text_block_count,
        cast(count(case when block_type = 'thinking' then 1 end) as bigint) as thinking_block_count,
        cast(count(case when block_type = 'tool_use' then 1 end) as bigint) as tool_call_count,
        cast(count(case when block_type = 'tool_result' then 1 end) as bigint) as tool_result_count,
        cast(count(case when block_type = 'tool_result' and is_error then 1 end) as bigint) as tool_error_count,
        cast(count(case when has_image then 1 end) as bigint) as image_count,
        cast(coalesce(sum(text_characters), 0) as bigint) as text_characters,
        cast(coalesce(sum(tool_input_characters), 0) as bigint) as tool_input_characters,
        max(case when text_rank = 1 then text_head end) as text_head,
        max(case when text_rank = 1 then text_hash end) as text_hash,
        max(case when text_rank = 1 then injection_kind end) as injection_kind
    from blocks
    group by record_key

),

messages as (

    select
        placed.session_key,
        placed.session_started_on,
        placed.session_started_at,
        placed.record_key,
        placed.entry_key,
        placed.entry_number,
        placed.agent_key,
        placed.is_on_path,
        details.harness,
        details.town_id,
        details.session_id,
        details.source,
        details.file_id,
        details.entry_type,
        details.entry_subtype,
        details.parent_id,
        details.role,
        details.response_id,
        details.request_id,
        details.model,
        details.stop_reason,
        details.input_tokens,
        details.output_tokens,
        details.cache_creation_tokens,
        details.cache_read_tokens,
        details.is_usage_unreadable,
        details.is_api_error,
        details.source_call_id,
        details.result_agent_id,
        details.is_result_interrupted,
        details.hook_event,
        details.hook_name,
        details.is_compaction,
        details.compaction_trigger,
        details.compaction_pre_tokens,
        details.version,
        details.git_branch,
        details.root_path,
        details.recorded_at,
        details.injection_hint,
        contents.injection_kind,
        contents.text_head,
        contents.text_hash,
        copies.owner_session_key,
        coalesce(contents.block_count, 0) as block_count,
        coalesce(contents.text_block_count, 0) as text_block_count,
        coalesce(contents.thinking_block_count, 0) as thinking_block_count,
        coalesce(contents.tool_call_count, 0) as tool_call_count,
        coalesce(contents.tool_result_count, 0) as tool_result_count,
        coalesce(contents.tool_error_count, 0) as tool_error_count,
        coalesce(contents.image_count, 0) as image_count,
        coalesce(contents.text_characters, 0) as text_characters,
        coalesce(contents.tool_input_characters, 0) as tool_input_characters,
        case
            when details.role <> 'assistant' then null
            when details.request_id is not null or details.response_id is null
                then concat(coalesce(details.response_id, placed.entry_key), '|', coalesce(details.request_id, ''))
            -- Gateways give no request id, some the same message id to every response: then the prompt's size tells them apart.
            else concat(details.response_id, '|', {{ prompt_size('details') }})
        end as response_identity
    from placed
    inner join details on placed.record_key = details.record_key
    left join contents on placed.record_key = contents.record_key
    left join {{ ref('int_fork_copies') }} as copies
        on placed.session_key = copies.session_key and placed.uuid_hash = copies.uuid_hash

),

calls as (

    select
        messages.session_key,
        messages.agent_key,
        messages.response_identity,
        messages.is_on_path,
        blocks.tool_use_id
    from messages
    inner join blocks on messages.record_key = blocks.record_key
    where blocks.block_type = 'tool_use' and blocks.tool_use_id is not null and messages.role = 'assistant'

),

results as (

    select
        messages.session_key,
        messages.agent_key,
        messages.record_key,
        messages.is_on_path,
        blocks.tool_use_id
    from messages
    inner join blocks on messages.record_key = blocks.record_key
    where blocks.block_type = 'tool_result' and blocks.tool_use_id is not null

),

-- One response is several messages and its parallel calls are answered by several more; the chain of parents leads through one of
-- each. All of them are live when one is.
live_responses as (

    select session_key, agent_key, response_identity
    from messages
    where is_on_path and response_identity is not null
    union
    select calls.session_key, calls.agent_key, calls.response_identity
    from calls
    inner join results
        on
            calls.session_key = results.session_key
            and calls.agent_key = results.agent_key
            and calls.tool_use_id = results.tool_use_id
    where results.is_on_path

),

live_results as (

    select distinct results.record_key
    from results
    inner join calls
        on
            results.session_key = calls.session_key
            and results.agent_key = calls.agent_key
            and results.tool_use_id = calls.tool_use_id
    inner join live_responses
        on
            calls.session_key = live_responses.session_key
            and calls.agent_key = live_responses.agent_key
            and calls.response_identity = live_responses.response_identity

),

classified as (

    select
        messages.*,
        messages.is_on_path or live_results.record_key is not null or live_responses.session_key is not null as is_on_live_path,
        case
            when messages.role <> 'user' then null
            when messages.injection_hint is not null and messages.injection_hint <> 'meta' then messages.injection_hint
            when messages.injection_kind is not null then messages.injection_kind
            when messages.tool_result_count > 0 then null
            when {{ town_injection_kind('messages.text_head') }} is not null then {{ town_injection_kind('messages.text_head') }}
            when messages.injection_hint is not null then messages.injection_hint
            when messages.agent_key <> 'main' then 'agent_prompt'
        end as injection
    from messages
    left join live_results on messages.record_key = live_results.record_key
    left join live_responses
        on
            messages.session_key = live_responses.session_key
            and messages.agent_key = live_responses.agent_key
            and messages.response_identity = live_responses.response_identity

)

select
    {{ text_hash("concat(session_key, '|', entry_key)") }} as message_key,
    session_key,
    session_started_on,
    session_started_at,
    cast(row_number() over (partition by session_key order by entry_number) as bigint) as message_number,
    harness,
    town_id,
    session_id,
    record_key,
    entry_key,
    parent_id,
    agent_key,
    source,
    file_id,
    role,
    case
        when role = 'user' and tool_result_count > 0 then 'tool_result'
        when role = 'user' and injection is not null then 'injected'
        when role = 'user' then 'human'
        else role
    end as origin,
    case when role = 'user' and tool_result_count = 0 then injection end as injection_kind,
    entry_type,
    entry_subtype,
    case when response_identity is not null then {{ text_hash("concat(session_key, '|', response_identity)") }} end as response_key,
    response_id,
    request_id,
    model,
    stop_reason,
    input_tokens,
    output_tokens,
    cache_creation_tokens,
    cache_read_tokens,
    source_call_id,
    result_agent_id,
    hook_event,
    hook_name,
    compaction_trigger,
    compaction_pre_tokens,
    version,
    git_branch,
    root_path,
    text_head,
    text_hash,
    block_count,
    text_block_count,
    thinking_block_count,
    tool_call_count,
    tool_result_count,
    tool_error_count,
    image_count,
    text_characters,
    tool_input_characters,
    cast(
        sum(case when is_compaction then 1 else 0 end) over (
            partition by session_key, agent_key order by entry_number
            rows between unbounded preceding and current row
        ) as bigint
    ) as context_segment,
    is_compaction,
    is_on_live_path,
    owner_session_key is not null as is_fork_copy,
    owner_session_key,
    is_usage_unreadable,
    is_api_error,
    is_result_interrupted,
    recorded_at
from classified
