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
            and conversations.first_message_number <= turns.first_message_number
            and conversations.last_message_number >= turns.first_message_number
    where turns.is_on_live_path and not turns.is_fork_copy and {{ of_touched_episodes('turns') }}

),

contents as (

    select * from {{ touched_episode_part(ref('int_turn_contents')) }} as contents
    where {{ of_touched_episodes('contents') }}

),

masks as (

    select
        turn_key,
        is_in_arguments,
        is_in_thinking,
        has_trained_text
    from {{ touched_episode_part(ref('int_turn_masks')) }}
    where {{ of_touched_episodes() }}

),

other_budget as (

    select max_tokens from {{ ref('example_budgets') }} where role_family = 'other'

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
        coalesce(contents.call_count > contents.result_count, false)
        and turns.turn_number < last_turns.last_turn_number as has_lost_result,
        coalesce(contents.result_count, 0) as result_count,
        coalesce(contents.result_tokens, 0) as result_tokens,
        coalesce(contents.text_tokens, 0) + coalesce(contents.thinking_tokens, 0) as text_tokens,
        -- At the end of a conversation a call may stand without its result: it may be what ended it. Elsewhere it is lost.
        case
            when turns.turn_number = last_turns.last_turn_number then coalesce(contents.call_tokens, 0)
            else coalesce(contents.answered_call_tokens, 0)
        end as call_tokens,
        case
            when turns.role = 'system' then 'harness_note'
            when turns.is_api_error then 'api_error'
            when turns.origin = 'tool_result' and contents.is_answer then null
            when turns.role = 'user' and contents.kept_text_count > 0 then null
            when turns.role = 'assistant' and (contents.text_count > 0 or contents.result_count > 0) then null
            when turns.role = 'assistant' and turns.turn_number = last_turns.last_turn_number and contents.call_count > 0 then null
            when contents.has_role_prompt then 'system_prompt'
            when turns.role = 'user' and contents.text_count > 0 then 'injected'
            when turns.origin = 'tool_result' then 'orphan_result'
            when contents.call_count > 0 then 'unanswered_call'
            else 'empty'
        end as own_dropped_reason
    from turns
    left join contents on turns.turn_key = contents.turn_key
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
        cast(sum(case when role = 'assistant' and own_dropped_reason is null then result_count else 0 end) as bigint)
            as result_count
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
        case
            when not placed.is_subagent and prompts.session_key is not null
                then prompts.token_count + {{ example_rule('message_tokens') }}
            else 0
        end as system_tokens,
        case
            when followed.prompt_tokens > 0 then followed.prompt_tokens + {{ example_rule('message_tokens') }}
            else 0
        end as prompt_tokens,
        case
            when placed.own_dropped_reason is not null then placed.own_dropped_reason
            when placed.role = 'user' and placed.origin <> 'tool_result' and placed.unit_number > placed.unit_count
                then 'unanswered'
        end as dropped_reason,
        case
            when placed.own_dropped_reason is not null then 0
            when placed.role = 'assistant' then placed.text_tokens + placed.call_tokens + {{ example_rule('message_tokens') }}
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
    cross join other_budget

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
            else {{ first_reason([
                ('api_error', 'sized.is_api_error'),
                ('empty', "sized.own_dropped_reason = 'empty'"),
                ('no_prompt', 'sized.told_tokens = 0 and coalesce(sized.results_before, 0) = 0'),
                ('unanswered_call', 'sized.has_lost_result'),
                ('surrogate_in_arguments', 'masks.is_in_arguments'),
                ('surrogate_in_thinking', 'masks.is_in_thinking and ' ~ example_rule('keeps_thinking') ~ ' = 1'),
                ('surrogate_in_text', 'not masks.has_trained_text'),
                ('interrupted', 'signals.is_interrupted'),
                ('failed_call', 'signals.is_tool_failure'),
                ('loop', 'signals.is_loop'),
                ('reverted_edit', 'signals.is_reverted_edit'),
                ('human_correction', 'signals.is_human_correction'),
                ('cut_off', "sized.stop_reason = 'max_tokens'"),
                ('over_budget', unit_tokens ~ ' > sized.max_tokens'),
            ]) }}
        end as reason_priority
    from sized
    left join masks on sized.turn_key = masks.turn_key
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
