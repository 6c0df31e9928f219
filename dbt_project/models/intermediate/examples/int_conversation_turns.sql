{{ config(
    incremental=true,
    unique_key=['conversation_key', 'turn_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_episode_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'turn_number'],
    statistics=['session_key', 'conversation_key', 'session_started_on', 'session_started_at'],
    rows_per_file=8000,
    tags=['scope:shard'],
) }}

{%- set unit_tokens -%}
sized.system_tokens + sized.prompt_tokens + sized.token_count + sized.result_tokens
+ case when sized.unit_number > 1 and sized.told_tokens > 0
    then sized.told_tokens + {{ example_rule('message_tokens') }} else 0 end
{%- endset %}

with conversations as (

    select
        conversation_key,
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        role_family,
        agent_key,
        is_subagent,
        first_message_number,
        last_message_number
    from {{ touched_episode_part(ref('int_conversations')) }}
    where {{ of_touched_episodes() }}

),

turns as (

    select
        conversations.conversation_key,
        conversations.episode_key,
        conversations.session_key,
        conversations.session_started_on,
        conversations.session_started_at,
        conversations.role_family,
        conversations.agent_key,
        conversations.is_subagent,
        turns.turn_key,
        turns.turn_number,
        turns.first_message_number,
        turns.context_segment,
        turns.role,
        turns.origin,
        turns.injection_kind,
        turns.stop_reason,
        turns.is_api_error
    from conversations
    inner join {{ touched_episode_part(ref('fct_turns')) }} as turns
        on
            conversations.session_key = turns.session_key
            and conversations.agent_key = turns.agent_key
            and turns.first_message_number >= conversations.first_message_number
            and turns.first_message_number <= conversations.last_message_number
    where turns.is_on_live_path and not turns.is_fork_copy and {{ of_touched_episodes('turns') }}

),

messages as (

    select
        record_key,
        coalesce(response_key, message_key) as turn_key
    from {{ touched_episode_part(ref('int_messages')) }}
    where is_on_live_path and {{ of_touched_episodes() }}

),

-- What a block adds to its message when it stays in it.
blocks as (

    select
        turns.conversation_key,
        turns.turn_key,
        turns.role,
        blocks.record_key,
        blocks.block_index,
        blocks.block_type,
        blocks.is_role_prompt,
        blocks.has_text or blocks.has_image as is_shown,
        coalesce(rules.is_kept, coalesce(blocks.injection_kind, turns.injection_kind) is null) as is_kept,
        blocks.token_count + 1 + case when blocks.has_image then {{ example_rule('image_tokens') }} else 0 end as token_count
    from turns
    inner join messages on turns.turn_key = messages.turn_key
    inner join {{ touched_episode_part(ref('int_block_tokens')) }} as blocks on messages.record_key = blocks.record_key
    left join {{ ref('injection_rules') }} as rules
        on coalesce(blocks.injection_kind, turns.injection_kind) = rules.injection_kind
    where turns.role in ('user', 'assistant') and {{ of_touched_episodes('blocks') }}

),

said as (

    select
        conversation_key,
        turn_key,
        cast(sum(case when block_type in ('text', 'image') and is_shown then 1 else 0 end) as bigint) as text_count,
        cast(sum(
            case when block_type in ('text', 'image') and is_shown and is_kept and not is_role_prompt then 1 else 0 end
        ) as bigint) as kept_text_count,
        max(case when is_role_prompt then 1 else 0 end) as role_prompt,
        cast(sum(
            case when block_type in ('text', 'image') and is_shown and is_kept and not is_role_prompt then token_count else 0 end
        ) as bigint) as text_tokens,
        cast(sum(
            case when block_type = 'thinking' and is_shown and {{ example_rule('keeps_thinking') }} = 1
                then token_count + {{ example_rule('thinking_tokens') }} else 0 end
        ) as bigint) as thinking_tokens
    from blocks
    group by conversation_key, turn_key

),

calls as (

    select
        turns.conversation_key,
        turns.turn_key,
        calls.result_record_key,
        calls.result_block_index,
        calls.has_result,
        call_tokens.token_count + {{ example_rule('call_tokens') }} as call_tokens,
        result_tokens.token_count
        + case when result_tokens.has_image then {{ example_rule('image_tokens') }} else 0 end
        + {{ example_rule('message_tokens') }} as result_tokens
    from turns
    inner join {{ touched_episode_part(ref('int_tool_calls_paired')) }} as calls
        on turns.session_key = calls.session_key and turns.turn_key = coalesce(calls.response_key, calls.message_key)
    inner join {{ touched_episode_part(ref('int_block_tokens')) }} as call_tokens
        on calls.record_key = call_tokens.record_key and calls.block_index = call_tokens.block_index
    left join {{ touched_episode_part(ref('int_block_tokens')) }} as result_tokens
        on calls.result_record_key = result_tokens.record_key and calls.result_block_index = result_tokens.block_index
    where
        turns.role = 'assistant' and calls.is_on_live_path and calls.tool_name is not null
        and {{ of_touched_episodes('calls') }} and {{ of_touched_episodes('call_tokens') }}

),

called as (

    select
        conversation_key,
        turn_key,
        cast(count(*) as bigint) as call_count,
        cast(count(case when has_result then 1 end) as bigint) as result_count,
        cast(sum(call_tokens) as bigint) as call_tokens,
        cast(sum(case when has_result then call_tokens else 0 end) as bigint) as answered_call_tokens,
        cast(sum(case when has_result then result_tokens else 0 end) as bigint) as result_tokens
    from calls
    group by conversation_key, turn_key

),

answers as (

    select distinct
        calls.conversation_key,
        messages.turn_key
    from calls
    inner join messages on calls.result_record_key = messages.record_key
    where calls.has_result

),

last_turns as (

    select
        conversation_key,
        max(case when role = 'assistant' and not is_api_error then turn_number end) as last_turn_number
    from turns
    group by conversation_key

),

shown as (

    select
        turns.*,
        coalesce(turns.turn_number = last_turns.last_turn_number, false) as is_last,
        coalesce(said.kept_text_count, 0) as kept_text_count,
        -- At the end of a conversation a call may stand without its result: it may be what ended it. Elsewhere it is lost.
        case when turns.turn_number = last_turns.last_turn_number then coalesce(called.call_count, 0)
            else coalesce(called.result_count, 0) end as call_count,
        coalesce(called.call_count > called.result_count, false)
        and turns.turn_number < last_turns.last_turn_number as has_lost_result,
        coalesce(called.result_count, 0) as result_count,
        coalesce(said.text_tokens, 0) as text_tokens,
        coalesce(said.thinking_tokens, 0) as thinking_tokens,
        case when turns.turn_number = last_turns.last_turn_number then coalesce(called.call_tokens, 0)
            else coalesce(called.answered_call_tokens, 0) end as call_tokens,
        coalesce(called.result_tokens, 0) as result_tokens,
        case
            when turns.role = 'system' then 'harness_note'
            when turns.is_api_error then 'api_error'
            when turns.origin = 'tool_result' and answers.turn_key is not null then null
            when turns.role = 'assistant' and (coalesce(said.text_count, 0) > 0 or coalesce(called.result_count, 0) > 0) then null
            when
                turns.role = 'assistant' and turns.turn_number = last_turns.last_turn_number and coalesce(called.call_count, 0) > 0
                then null
            when turns.role = 'user' and coalesce(said.kept_text_count, 0) > 0 then null
            when coalesce(said.role_prompt, 0) = 1 then 'system_prompt'
            when turns.role = 'user' and coalesce(said.text_count, 0) > 0 then 'injected'
            when turns.origin = 'tool_result' then 'orphan_result'
            else 'empty'
        end as own_dropped_reason
    from turns
    left join said on turns.conversation_key = said.conversation_key and turns.turn_key = said.turn_key
    left join called on turns.conversation_key = called.conversation_key and turns.turn_key = called.turn_key
    left join answers on turns.conversation_key = answers.conversation_key and turns.turn_key = answers.turn_key
    left join last_turns on turns.conversation_key = last_turns.conversation_key

),

-- A unit is what the agent was told, what it did about it, and the results of that. No unit holds what follows the last answer.
placed as (

    select
        *,
        cast(
            coalesce(sum(case when role = 'assistant' and own_dropped_reason is null then 1 else 0 end) over (
                partition by conversation_key, context_segment order by turn_number
                rows between unbounded preceding and 1 preceding
            ), 0) as bigint
        ) + 1 as unit_number,
        cast(
            sum(case when role = 'assistant' and own_dropped_reason is null then 1 else 0 end) over (
                partition by conversation_key, context_segment
            ) as bigint
        ) as unit_count
    from shown

),

units as (

    select
        conversation_key,
        context_segment,
        unit_number,
        cast(sum(case when role = 'user' and own_dropped_reason is null then text_tokens else 0 end) as bigint) as told_tokens,
        cast(sum(case when role = 'assistant' and own_dropped_reason is null then result_count else 0 end) as bigint) as result_count
    from placed
    group by conversation_key, context_segment, unit_number

),

followed as (

    select
        *,
        lag(result_count) over (partition by conversation_key, context_segment order by unit_number) as results_before,
        first_value(told_tokens) over (
            partition by conversation_key, context_segment order by unit_number
            rows between unbounded preceding and unbounded following
        ) as prompt_tokens
    from units

),

sized as (

    select
        placed.*,
        followed.told_tokens,
        followed.results_before,
        case when not placed.is_subagent and prompts.session_key is not null
            then prompts.token_count + {{ example_rule('message_tokens') }} else 0 end as system_tokens,
        case when followed.prompt_tokens > 0 then followed.prompt_tokens + {{ example_rule('message_tokens') }} else 0 end
            as prompt_tokens,
        case
            when placed.own_dropped_reason is not null then placed.own_dropped_reason
            when placed.role = 'user' and placed.origin <> 'tool_result' and placed.unit_number > placed.unit_count then 'unanswered'
        end as dropped_reason,
        case
            when placed.own_dropped_reason is not null then 0
            when placed.role = 'assistant'
                then placed.text_tokens + placed.thinking_tokens + placed.call_tokens + {{ example_rule('message_tokens') }}
            when placed.unit_number <= placed.unit_count then placed.text_tokens
            else 0
        end as token_count,
        coalesce(budgets.max_tokens, other_budget.max_tokens) as max_tokens
    from placed
    left join followed
        on
            placed.conversation_key = followed.conversation_key
            and placed.context_segment = followed.context_segment
            and placed.unit_number = followed.unit_number
    left join {{ touched_episode_part(ref('int_session_prompts')) }} as prompts on placed.session_key = prompts.session_key
    left join {{ ref('example_budgets') }} as budgets on placed.role_family = budgets.role_family
    cross join (select max_tokens from {{ ref('example_budgets') }} where role_family = 'other') as other_budget

),

surrogates as (

    select
        messages.turn_key,
        max(case when spans.is_in_arguments and coalesce(rules.in_arguments, other.in_arguments) = 'turn_off' then 1 else 0 end)
            as in_arguments,
        max(case when spans.json_path like '%.thinking' then 1 else 0 end) as in_thinking
    from {{ touched_episode_part(ref('int_surrogate_spans')) }} as spans
    inner join messages on spans.record_key = messages.record_key
    left join {{ ref('surrogate_rules') }} as rules on spans.rule = rules.rule
    cross join (select in_arguments from {{ ref('surrogate_rules') }} where rule = 'other') as other
    where {{ of_touched_episodes('spans') }}
    group by messages.turn_key

),

signals as (

    select
        turn_key,
        is_tool_failure,
        is_loop,
        is_reverted_edit,
        is_interrupted,
        is_human_correction
    from {{ touched_episode_part(ref('fct_turn_signals')) }}
    where {{ of_touched_episodes() }}

),

checked as (

    select
        sized.*,
        case
            when sized.role <> 'assistant' then null
            else least(
                {{ reason_priority('api_error', 'sized.is_api_error') }},
                {{ reason_priority('empty', 'sized.own_dropped_reason is not null') }},
                {{ reason_priority('no_prompt', 'sized.told_tokens = 0 and coalesce(sized.results_before, 0) = 0') }},
                {{ reason_priority('unanswered_call', 'sized.has_lost_result') }},
                {{ reason_priority('surrogate_in_arguments', 'surrogates.in_arguments = 1') }},
                {{ reason_priority(
                    'surrogate_in_thinking', 'surrogates.in_thinking = 1 and ' ~ example_rule('keeps_thinking') ~ ' = 1'
                ) }},
                {{ reason_priority('interrupted', 'signals.is_interrupted') }},
                {{ reason_priority('failed_call', 'signals.is_tool_failure') }},
                {{ reason_priority('loop', 'signals.is_loop') }},
                {{ reason_priority('reverted_edit', 'signals.is_reverted_edit') }},
                {{ reason_priority('human_correction', 'signals.is_human_correction') }},
                {{ reason_priority('cut_off', "sized.stop_reason = 'max_tokens'") }},
                {{ reason_priority('over_budget', unit_tokens ~ ' > sized.max_tokens') }}
            )
        end as reason_priority
    from sized
    left join surrogates on sized.turn_key = surrogates.turn_key
    left join signals on sized.turn_key = signals.turn_key

)

select
    checked.conversation_key,
    checked.turn_key,
    checked.episode_key,
    checked.session_key,
    checked.session_started_on,
    checked.session_started_at,
    checked.agent_key,
    checked.turn_number,
    checked.first_message_number,
    checked.context_segment,
    case when checked.dropped_reason is null then checked.unit_number end as unit_number,
    checked.is_last,
    checked.role,
    checked.origin,
    checked.injection_kind,
    checked.dropped_reason,
    checked.role = 'assistant' and checked.reason_priority is null as is_target,
    rules.reason as not_target_reason,
    cast(checked.token_count as bigint) as token_count,
    cast(case when checked.role = 'assistant' and checked.dropped_reason is null then checked.result_tokens else 0 end as bigint)
        as result_token_count,
    cast(checked.system_tokens as bigint) as system_token_count,
    cast(checked.prompt_tokens as bigint) as prompt_token_count,
    checked.max_tokens
from checked
left join {{ ref('target_rules') }} as rules on checked.reason_priority = rules.priority
