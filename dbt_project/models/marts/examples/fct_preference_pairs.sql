{{ config(
    incremental=true,
    unique_key=['pair_key'],
    touched_key=['pair_key'],
    touched_sql="{{ pair_keys_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'pair_key'],
    statistics=['session_key', 'pair_key', 'session_started_on', 'session_started_at', 'town_id'],
    rows_per_file=500,
    tags=['scope:shard', 'export'],
) }}

with pairs as (

    select * from {{ ref('int_attempt_pairs') }} as pairs
    where {{ of_touched_pairs('pairs') }}

),

sides as (

    select
        pair_key,
        'chosen' as side,
        chosen_episode_key as episode_key
    from pairs
    union all
    select
        pair_key,
        'rejected' as side,
        rejected_episode_key as episode_key
    from pairs

),

attempts as (

    select
        sides.pair_key,
        sides.side,
        conversations.conversation_key,
        conversations.session_key,
        conversations.session_started_on,
        conversations.session_started_at
    from sides
    inner join {{ pair_part(ref('int_conversations')) }} as conversations on sides.episode_key = conversations.episode_key
    where
        not conversations.is_subagent and {{ of_pair_sessions('conversations') }}
        and {{ consented('sides', pair_sessions_sql() if is_incremental() else none) }}

),

chosen_attempts as (

    select distinct conversation_key from attempts where side = 'chosen'

),

{{ unit_messages('chosen_attempts', pair_part, of_pair_sessions) }},

steps as (

    select
        steps.conversation_key,
        steps.turn_key,
        steps.unit_number,
        steps.token_count,
        steps.max_tokens - steps.system_token_count - steps.prompt_token_count as room,
        steps.context_segment,
        min(steps.context_segment) over (partition by steps.conversation_key) as first_segment
    from {{ pair_part(ref('int_conversation_turns')) }} as steps
    where
        steps.role = 'assistant' and steps.dropped_reason is null
        and steps.conversation_key in (select conversation_key from attempts)
        and {{ of_pair_sessions('steps') }}

),

-- No loss can be masked in a part of an answer: a turn with a surrogate is left out.
masked as (

    select turn_key from {{ pair_part(ref('int_turn_masks')) }}
    where (is_in_arguments or train_detail is not null) and {{ of_pair_sessions() }}

),

taken as (

    select
        steps.*,
        cast(sum(steps.token_count) over (
            partition by steps.conversation_key order by steps.unit_number rows between unbounded preceding and current row
        ) as bigint) as tokens_so_far
    from steps
    left join masked on steps.turn_key = masked.turn_key
    where steps.context_segment = steps.first_segment and masked.turn_key is null

),

calls as (

    select
        coalesce(calls.response_key, calls.message_key) as turn_key,
        {{ joined_text(
            "concat('<tool_call>', " ~ object_as_json([
                ('name', text_as_json('calls.tool_name')),
                ('arguments', "coalesce(called.tool_input, '{}')"),
            ]) ~ ", '</tool_call>')",
            line_break(), 'calls.message_number, calls.block_index'
        ) }} as calls
    from {{ pair_part(ref('int_tool_calls_paired')) }} as calls
    inner join {{ pair_part(ref('stg_claude__content_blocks')) }} as called
        on calls.record_key = called.record_key and calls.block_index = called.block_index
    where
        calls.is_on_live_path and calls.tool_name is not null
        and {{ of_pair_sessions('calls') }} and {{ of_pair_sessions('called') }}
    group by coalesce(calls.response_key, calls.message_key)

),

answers as (

    select
        taken.conversation_key,
        max(taken.tokens_so_far) as token_count,
        {{ joined_text("concat_ws(chr(10), said.text, calls.calls)", line_break(), 'taken.unit_number') }} as answer
    from taken
    inner join {{ pair_part(ref('fct_turns')) }} as said on taken.turn_key = said.turn_key
    left join calls on taken.turn_key = calls.turn_key
    where taken.tokens_so_far <= taken.room and {{ of_pair_sessions('said') }}
    group by taken.conversation_key

),

prompts as (

    select distinct
        conversations.conversation_key,
        {{ list_as_json(
            "concat_ws(',', case when prompts.system_prompt is not null then " ~ object_as_json([
                ('role', text_as_json("'system'")), ('content', text_as_json('prompts.system_prompt')),
            ]) ~ " end, firsts.told)"
        ) }} as prompt
    from attempts as conversations
    inner join unit_messages as firsts
        on conversations.conversation_key = firsts.conversation_key and firsts.unit_number = 1
    inner join steps
        on firsts.conversation_key = steps.conversation_key
            and firsts.context_segment = steps.context_segment
            and steps.unit_number = 1
    left join {{ pair_part(ref('int_session_prompts')) }} as prompts on conversations.session_key = prompts.session_key
    where steps.context_segment = steps.first_segment and firsts.told is not null

)

select
    pairs.pair_key,
    chosen.session_key,
    chosen.session_started_on,
    chosen.session_started_at,
    pairs.town_id,
    pairs.role_family,
    pairs.beads_project_id,
    pairs.bead_id,
    pairs.reason,
    pairs.chosen_episode_key,
    pairs.rejected_episode_key,
    chosen.conversation_key as chosen_conversation_key,
    rejected.conversation_key as rejected_conversation_key,
    prompts.prompt,
    {{ answer_as_json('better.answer') }} as chosen,
    {{ answer_as_json('worse.answer') }} as rejected,
    better.token_count as chosen_token_count,
    worse.token_count as rejected_token_count
from pairs
inner join attempts as chosen on pairs.pair_key = chosen.pair_key and chosen.side = 'chosen'
inner join attempts as rejected on pairs.pair_key = rejected.pair_key and rejected.side = 'rejected'
inner join answers as better on chosen.conversation_key = better.conversation_key
inner join answers as worse on rejected.conversation_key = worse.conversation_key
inner join prompts on chosen.conversation_key = prompts.conversation_key
where better.answer <> worse.answer
