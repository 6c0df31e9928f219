{{ config(
    incremental=true,
    unique_key=['turn_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'turn_number'],
    statistics=['session_key', 'turn_key', 'session_started_on', 'session_started_at'],
    rows_per_file=4000,
    tags=['scope:shard'],
) }}

with turns as (

    select
        turn_key,
        session_key,
        session_started_on,
        session_started_at,
        turn_number,
        first_message_number,
        agent_key,
        role,
        origin,
        injection_kind,
        is_on_live_path,
        is_fork_copy,
        is_api_error
    from {{ touched_part(ref('fct_turns')) }}
    where {{ of_touched_sessions() }}

),

-- Who spoke from outside, and after which turn of the agent.
answered as (

    select
        turn_key,
        session_key,
        agent_key,
        is_on_live_path,
        first_message_number,
        origin,
        injection_kind,
        role,
        max(case when role = 'assistant' and not is_api_error then turn_number end) over (
            partition by session_key, agent_key, is_on_live_path order by turn_number
            rows between unbounded preceding and 1 preceding
        ) as answered_turn_number
    from turns

),

heads as (

    select
        session_key,
        message_key,
        lower(text_head) as head
    from {{ touched_part(ref('int_messages')) }}
    where origin = 'human' and {{ of_touched_sessions() }}

),

corrections as (

    select distinct
        heads.session_key,
        heads.message_key
    from heads
    inner join {{ ref('human_reaction_phrases') }} as phrases
        on
            (phrases.place = 'start' and heads.head like concat(phrases.phrase, '%'))
            or (phrases.place = 'anywhere' and heads.head like concat('%', phrases.phrase, '%'))
    where phrases.reaction = 'correction'

),

reactions as (

    select
        answered.session_key,
        answered.agent_key,
        answered.is_on_live_path,
        answered.answered_turn_number as turn_number,
        max(case when answered.origin = 'human' then 1 else 0 end) as human_answer,
        max(case when corrections.message_key is not null then 1 else 0 end) as human_correction,
        max(case when answered.injection_kind = 'interruption' then 1 else 0 end) as interruption
    from answered
    left join corrections on answered.session_key = corrections.session_key and answered.turn_key = corrections.message_key
    where
        answered.answered_turn_number is not null
        and (answered.origin = 'human' or answered.injection_kind = 'interruption')
    group by answered.session_key, answered.agent_key, answered.is_on_live_path, answered.answered_turn_number

),

arguments as (

    select
        record_key,
        block_index,
        arguments_hash,
        file_path_hash,
        old_text_hash,
        new_text_hash,
        program
    from {{ claude_tool_arguments_of(touched_sessions_sql()) }} as arguments
    where {{ of_touched_sessions() }}

),

calls as (

    select
        paired.tool_call_key,
        coalesce(paired.response_key, paired.message_key) as turn_key,
        paired.session_key,
        paired.agent_key,
        paired.is_on_live_path,
        paired.message_number,
        paired.block_index,
        concat(coalesce(paired.tool_name, ''), ' ', coalesce(arguments.program, '')) as kind_of_call,
        arguments.arguments_hash,
        arguments.file_path_hash,
        arguments.old_text_hash,
        arguments.new_text_hash,
        -- A loop's results are alike; what fails again may say so in other words each time.
        case when paired.is_error then -1 else coalesce(paired.result_characters, -2) end as result_size,
        paired.is_error and not paired.is_user_rejection as is_failure,
        paired.has_result and not paired.is_error as is_success,
        paired.is_interrupted or paired.is_user_rejection as is_interrupted,
        paired.tool_name in ('Edit', 'MultiEdit', 'Write', 'NotebookEdit')
        and paired.has_result and not paired.is_error as is_edit
    from {{ touched_part(ref('int_tool_calls_paired')) }} as paired
    left join arguments on paired.record_key = arguments.record_key and paired.block_index = arguments.block_index
    where {{ of_touched_sessions('paired') }}

),

-- Calls and words from outside in one order: repeating a call after a word or an edit is a check, not a loop.
happenings as (

    select
        session_key,
        agent_key,
        is_on_live_path,
        message_number,
        block_index,
        tool_call_key,
        0 as outside,
        case when is_edit then 1 else 0 end as edit
    from calls
    union all
    select
        session_key,
        agent_key,
        is_on_live_path,
        first_message_number as message_number,
        cast(-1 as bigint) as block_index,
        cast(null as varchar) as tool_call_key,
        1 as outside,
        0 as edit
    from answered
    where origin = 'human' or injection_kind in ('beacon', 'nudge', 'mail', 'task_notification')

),

placed as (

    select
        tool_call_key,
        row_number() over (
            partition by session_key, agent_key, is_on_live_path order by message_number, block_index
        ) as place,
        cast(sum(outside) over (
            partition by session_key, agent_key, is_on_live_path order by message_number, block_index
            rows between unbounded preceding and current row
        ) as bigint) as words_before,
        cast(sum(edit) over (
            partition by session_key, agent_key, is_on_live_path order by message_number, block_index
            rows between unbounded preceding and current row
        ) as bigint) - edit as edits_before
    from happenings

),

compared as (

    select
        calls.*,
        placed.place,
        placed.words_before,
        placed.edits_before,
        count(*) over (
            partition by
                calls.session_key, calls.agent_key, calls.is_on_live_path, calls.kind_of_call, calls.arguments_hash,
                calls.result_size, placed.words_before, placed.edits_before
        ) as like_calls,
        row_number() over (
            partition by
                calls.session_key, calls.agent_key, calls.is_on_live_path, calls.kind_of_call, calls.arguments_hash,
                calls.result_size, placed.words_before, placed.edits_before
            order by placed.place
        ) as like_number,
        lag(calls.is_failure) over same_kind as was_failure,
        lag(calls.arguments_hash) over same_kind as previous_arguments_hash,
        lag(placed.place) over same_kind as previous_place,
        lag(placed.edits_before) over same_kind as previous_edits
    from calls
    inner join placed on calls.tool_call_key = placed.tool_call_key
    window same_kind as (
        partition by calls.session_key, calls.agent_key, calls.is_on_live_path, calls.kind_of_call, placed.words_before
        order by placed.place
    )

),

undone as (

    select distinct edits.tool_call_key
    from compared as edits
    inner join compared as later
        on
            edits.session_key = later.session_key
            and edits.file_path_hash = later.file_path_hash
            and edits.old_text_hash = later.new_text_hash
            and edits.new_text_hash = later.old_text_hash
    where
        edits.is_edit and later.is_edit and edits.agent_key = later.agent_key
        and edits.is_on_live_path = later.is_on_live_path and later.place > edits.place

),

counted as (

    select
        compared.turn_key,
        cast(count(*) as bigint) as tool_call_count,
        cast(count(case when compared.is_failure then 1 end) as bigint) as tool_failure_count,
        cast(count(case when compared.is_failure and not coalesce(compared.was_failure, false) then 1 end) as bigint)
            as new_failure_count,
        cast(count(
            case when compared.like_calls >= {{ score_rule('loop_min_calls') }} and compared.like_number > 1 then 1 end
        ) as bigint) as loop_call_count,
        cast(count(
            case
                when compared.is_success and compared.was_failure
                    and compared.place - compared.previous_place <= {{ score_rule('self_correction_window_calls') }}
                    -- The same call again without an edit is luck.
                    and (
                        compared.arguments_hash <> compared.previous_arguments_hash
                        or compared.edits_before > compared.previous_edits
                    ) then 1
            end
        ) as bigint) as self_correction_count,
        cast(count(case when compared.is_edit then 1 end) as bigint) as edit_count,
        cast(count(undone.tool_call_key) as bigint) as reverted_edit_count,
        max(case when compared.is_interrupted then 1 else 0 end) as interruption
    from compared
    left join undone on compared.tool_call_key = undone.tool_call_key
    group by compared.turn_key

)

select
    turns.turn_key,
    turns.session_key,
    turns.session_started_on,
    turns.session_started_at,
    turns.turn_number,
    turns.first_message_number,
    turns.agent_key,
    coalesce(counted.tool_call_count, 0) as tool_call_count,
    coalesce(counted.tool_failure_count, 0) as tool_failure_count,
    coalesce(counted.new_failure_count, 0) as new_failure_count,
    coalesce(counted.loop_call_count, 0) as loop_call_count,
    coalesce(counted.self_correction_count, 0) as self_correction_count,
    coalesce(counted.edit_count, 0) as edit_count,
    coalesce(counted.reverted_edit_count, 0) as reverted_edit_count,
    coalesce(counted.tool_failure_count, 0) > 0 as is_tool_failure,
    coalesce(counted.loop_call_count, 0) > 0 as is_loop,
    coalesce(counted.self_correction_count, 0) > 0 as is_self_correction,
    coalesce(counted.reverted_edit_count, 0) > 0 as is_reverted_edit,
    coalesce(reactions.human_answer, 0) = 1 as is_human_answered,
    coalesce(reactions.human_correction, 0) = 1 as is_human_correction,
    coalesce(reactions.interruption, 0) = 1 or coalesce(counted.interruption, 0) = 1 as is_interrupted,
    turns.agent_key <> 'main' as is_subagent,
    turns.is_on_live_path,
    turns.is_fork_copy
from turns
left join counted on turns.turn_key = counted.turn_key
left join reactions
    on
        turns.session_key = reactions.session_key
        and turns.agent_key = reactions.agent_key
        and turns.is_on_live_path = reactions.is_on_live_path
        and turns.turn_number = reactions.turn_number
where turns.role = 'assistant'
