{{ config(
    incremental=true,
    unique_key=['example_key'],
    touched_key=['session_key'],
    touched_sql="{{ example_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'conversation_key', 'example_number'],
    statistics=['session_key', 'example_key', 'conversation_key', 'episode_key', 'session_started_on', 'session_started_at', 'town_id'],
    rows_per_file=500,
    tags=['scope:shard', 'export'],
) }}

with example_units as (

    select
        units.example_key,
        units.unit_number,
        units.turn_key,
        units.conversation_key,
        units.example_number,
        units.context_segment,
        units.is_in_block,
        units.is_target,
        units.unusable_reason,
        units.token_count,
        units.target_token_count,
        units.first_token_count,
        units.max_tokens
    from {{ example_part(ref('int_example_units')) }} as units
    where {{ of_example_sessions('units') }} and {{ consented('units', example_sessions_sql() if is_incremental() else none) }}

),

conversations as (

    select
        conversation_key,
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        town_id,
        role_family,
        episode_number,
        agent_key,
        is_subagent,
        parent_conversation_key,
        parent_tool_call_key
    from {{ example_part(ref('int_conversations')) }}
    where {{ of_example_sessions() }}

),

shown as (

    select distinct conversation_key from example_units where unusable_reason is null

),

{{ unit_messages('shown', example_part, of_example_sessions) }},

masks as (

    select
        turn_key,
        train_detail
    from {{ example_part(ref('int_turn_masks')) }}
    where {{ of_example_sessions() }}

),

first_messages as (

    select
        conversation_key,
        context_segment,
        told
    from unit_messages
    where unit_number = 1

),

joined as (

    select
        example_units.example_key,
        example_units.conversation_key,
        example_units.example_number,
        example_units.context_segment,
        example_units.unusable_reason,
        example_units.first_token_count,
        example_units.max_tokens,
        min(example_units.unit_number) as first_unit_number,
        cast(count(*) as bigint) as turn_count,
        cast(sum(case when example_units.is_target then 1 else 0 end) as bigint) as target_turn_count,
        cast(sum(example_units.token_count) as bigint) as unit_tokens,
        cast(sum(example_units.target_token_count) as bigint) as target_token_count,
        {{ joined_text(
            "concat_ws(',', case when example_units.unit_number > 1 then unit_messages.told end, concat(unit_messages.said, ',', "
            ~ member_as_json('train', boolean_as_json('example_units.is_target'))
            ~ ", coalesce(',' || " ~ member_as_json('train_detail', 'masks.train_detail') ~ ", ''), chr(125)), unit_messages.results)",
            ',', 'example_units.unit_number'
        ) }} as messages
    from example_units
    left join unit_messages
        on
            example_units.conversation_key = unit_messages.conversation_key
            and example_units.context_segment = unit_messages.context_segment
            and example_units.unit_number = unit_messages.unit_number
            and example_units.unusable_reason is null
    left join masks on example_units.turn_key = masks.turn_key and example_units.is_target
    group by
        example_units.example_key,
        example_units.conversation_key,
        example_units.example_number,
        example_units.context_segment,
        example_units.unusable_reason,
        example_units.first_token_count,
        example_units.max_tokens

),

-- The example in which a sub-agent was started, by the turn that called it.
parents as (

    select
        conversations.conversation_key,
        example_units.example_key as parent_example_key
    from conversations
    inner join {{ example_part(ref('int_tool_calls_paired')) }} as calls
        on conversations.parent_tool_call_key = calls.tool_call_key
    inner join example_units
        on
            conversations.parent_conversation_key = example_units.conversation_key
            and coalesce(calls.response_key, calls.message_key) = example_units.turn_key
    where example_units.is_in_block and {{ of_example_sessions('calls') }}

),

assembled as (

    select
        joined.*,
        prompts.system_prompt_hash,
        case when joined.unusable_reason is null then {{ list_as_json(
            "concat_ws(',', case when prompts.system_prompt is not null then " ~ object_as_json([
                ('role', text_as_json("'system'")), ('content', text_as_json('prompts.system_prompt')),
            ]) ~ " end, first_messages.told, joined.messages)"
        ) }} end as messages_text
    from joined
    inner join conversations on joined.conversation_key = conversations.conversation_key
    left join first_messages
        on joined.conversation_key = first_messages.conversation_key and joined.context_segment = first_messages.context_segment
    left join {{ example_part(ref('int_session_prompts')) }} as prompts
        on conversations.session_key = prompts.session_key and not conversations.is_subagent

)

select
    assembled.example_key,
    assembled.conversation_key,
    conversations.episode_key,
    conversations.session_key,
    conversations.session_started_on,
    conversations.session_started_at,
    conversations.town_id,
    conversations.role_family,
    conversations.agent_key,
    conversations.is_subagent,
    parents.parent_example_key,
    assembled.example_number,
    assembled.context_segment,
    not conversations.is_subagent and conversations.episode_number = 1 and assembled.example_number = 1 as is_session_start,
    case
        when not conversations.is_subagent and conversations.episode_number = 1 and assembled.example_number = 1
            then cast({{ example_rule('session_start_copies') }} as bigint)
        else 1
    end as copies,
    assembled.turn_count,
    assembled.target_turn_count,
    assembled.first_token_count + assembled.unit_tokens as token_count,
    assembled.target_token_count,
    assembled.max_tokens,
    tokenizer_hash() as tokenizer_hash,
    assembled.system_prompt_hash,
    assembled.messages_text as messages,
    -- Claude Code's transcripts do not say which tools were offered.
    cast(null as varchar) as tools,
    {{ text_hash('assembled.messages_text') }} as content_hash,
    assembled.unusable_reason
from assembled
inner join conversations on assembled.conversation_key = conversations.conversation_key
left join parents on assembled.conversation_key = parents.conversation_key
