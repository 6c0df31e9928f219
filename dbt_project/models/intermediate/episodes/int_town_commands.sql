{{ config(
    incremental=true,
    unique_key=['tool_call_key', 'command_number'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'message_number', 'command_number'],
    statistics=['session_key', 'tool_call_key', 'session_started_on', 'session_started_at', 'called_at'],
    rows_per_file=4000,
    tags=['scope:shard'],
) }}

with words as (

    select
        tool_call_key,
        command_number,
        word_number,
        program,
        word
    from {{ touched_part(ref('int_town_command_words')) }}
    where {{ of_touched_sessions() }}

),

arguments as (

    select
        words.tool_call_key,
        words.command_number,
        words.program,
        words.word_number,
        words.word,
        words.word like '-_%' as is_option,
        words.word like '-%=%' as has_inline_value,
        options.option is not null as takes_value,
        options.meaning,
        coalesce(lag(options.option is not null and words.word not like '-%=%') over (
            partition by words.tool_call_key, words.command_number order by words.word_number
        ), false) as is_value,
        lag(options.meaning) over (
            partition by words.tool_call_key, words.command_number order by words.word_number
        ) as value_meaning
    from words
    left join {{ ref('town_command_options') }} as options
        on words.program = options.program and split_part(words.word, '=', 1) = options.option
    where words.word_number > 0

),

values_given as (

    select
        tool_call_key,
        command_number,
        case when is_value then value_meaning when takes_value then meaning end as meaning,
        case
            when is_value then {{ unquoted('word') }}
            when takes_value and has_inline_value
                then {{ unquoted("substr(word, cast(length(split_part(word, '=', 1)) as bigint) + 2)") }}
            when is_option then word
        end as given,
        is_option and not is_value as is_option,
        word_number
    from arguments

),

options_given as (

    select
        tool_call_key,
        command_number,
        max(case when meaning = 'status' then given end) as status_argument,
        max(case when meaning = 'bead' then given end) as bead_argument,
        max(case when meaning = 'merge_request' then given end) as merge_request_argument,
        max(case when meaning = 'branch' then given end) as branch_argument,
        max(case when meaning = 'rig' then given end) as rig_argument,
        max(case when meaning = 'target' then given end) as target_argument,
        max(case when meaning = 'reason' then given end) as reason_argument,
        max(case when is_option and given = '--claim' then 1 else 0 end) = 1 as is_claim,
        max(case when is_option and given in ('--help', '-h') then 1 else 0 end) = 1 as is_help
    from values_given
    group by tool_call_key, command_number

),

positions as (

    select
        tool_call_key,
        command_number,
        program,
        {{ unquoted('word') }} as word,
        row_number() over (partition by tool_call_key, command_number order by word_number) as position
    from arguments
    where not is_option and not is_value

),

first_words as (

    select
        tool_call_key,
        command_number,
        program,
        max(case when position = 1 then word end) as first_word,
        max(case when position = 2 then word end) as second_word
    from positions
    group by tool_call_key, command_number, program

),

verbs as (

    select
        programs.tool_call_key,
        programs.command_number,
        programs.program,
        case
            when long_verbs.verb is not null then long_verbs.verb
            when {{ regex_matches('first_words.first_word', '^[a-z][a-z0-9-]*$') }} then first_words.first_word
        end as verb,
        case when long_verbs.verb is not null then 2 else 1 end as verb_words,
        coalesce(long_verbs.arguments, short_verbs.arguments, 'none') as argument_kind
    from words as programs
    left join first_words
        on programs.tool_call_key = first_words.tool_call_key and programs.command_number = first_words.command_number
    left join {{ ref('town_command_verbs') }} as long_verbs
        on
            programs.program = long_verbs.program
            and concat(first_words.first_word, ' ', first_words.second_word) = long_verbs.verb
    left join {{ ref('town_command_verbs') }} as short_verbs
        on programs.program = short_verbs.program and first_words.first_word = short_verbs.verb
    where programs.word_number = 0

),

named as (

    select
        positions.tool_call_key,
        positions.command_number,
        positions.word,
        positions.position - verbs.verb_words as number,
        verbs.argument_kind,
        verbs.argument_kind in ('beads', 'bead_target')
        and {{ regex_matches('positions.word', bead_shape()) }}
        and (verbs.argument_kind = 'beads' or positions.position = verbs.verb_words + 1) as is_bead
    from positions
    inner join verbs
        on positions.tool_call_key = verbs.tool_call_key and positions.command_number = verbs.command_number
    where positions.position > verbs.verb_words

),

ranked as (

    select
        *,
        row_number() over (partition by tool_call_key, command_number, is_bead order by number) as bead_rank,
        row_number() over (partition by tool_call_key, command_number order by number desc) as number_from_end
    from named

),

arguments_named as (

    select
        tool_call_key,
        command_number,
        max(case when is_bead and bead_rank = 1 then word end) as bead_id,
        {{ joined_text('case when is_bead and bead_rank > 1 then word end', ' ', 'number') }} as further_bead_ids,
        max(case when argument_kind = 'merge_request' and number = 1 then word end) as merge_request_id,
        max(case
            when argument_kind = 'target' and number = 1 then word
            when argument_kind = 'bead_target' and number = 2 then word
        end) as target,
        max(case
            when argument_kind = 'branch' and number_from_end = 1 and word like '%_/_%' and word not like 'origin/%' then word
        end) as branch
    from ranked
    group by tool_call_key, command_number

),

results as (

    select
        record_key,
        block_index,
        text as result_text
    from {{ touched_part(ref('stg_claude__content_blocks')) }}
    where block_type = 'tool_result' and {{ of_touched_sessions() }}

),

answered as (

    select
        verbs.tool_call_key,
        verbs.command_number,
        verbs.program,
        verbs.verb,
        concat(verbs.program, ' ', verbs.verb) as verb_text,
        row_number() over (
            partition by verbs.tool_call_key, verbs.program, verbs.verb order by verbs.command_number
        ) as repetition,
        results.result_text,
        calls.session_key,
        calls.session_started_on,
        calls.session_started_at,
        calls.message_number,
        calls.agent_key,
        calls.is_on_live_path,
        calls.is_fork_copy,
        calls.is_error,
        calls.has_result,
        calls.exit_code,
        calls.called_at
    from verbs
    inner join {{ touched_part(ref('int_tool_calls_paired')) }} as calls on verbs.tool_call_key = calls.tool_call_key
    left join results
        on calls.result_record_key = results.record_key and calls.result_block_index = results.block_index
    where {{ of_touched_sessions('calls') }}

)

select
    answered.tool_call_key,
    cast(answered.command_number as bigint) as command_number,
    answered.session_key,
    answered.session_started_on,
    answered.session_started_at,
    answered.message_number,
    answered.agent_key,
    answered.program,
    answered.verb,
    coalesce(options_given.bead_argument, arguments_named.bead_id) as bead_id,
    arguments_named.further_bead_ids,
    case when options_given.is_claim then 'in_progress' else options_given.status_argument end as status_argument,
    options_given.reason_argument,
    coalesce(options_given.target_argument, arguments_named.target) as target,
    options_given.rig_argument as rig,
    coalesce(options_given.branch_argument, arguments_named.branch, {{ command_answer('branch') }}) as branch,
    coalesce(
        options_given.merge_request_argument,
        arguments_named.merge_request_id,
        {{ command_answer('merge_request_id') }}
    ) as merge_request_id,
    {{ command_answer('reported_bead_id') }} as reported_bead_id,
    {{ command_answer('commit_sha') }} as commit_sha,
    coalesce({{ is_refusal('answered.verb_text', 'answered.result_text') }}, false) as is_refused,
    coalesce(options_given.is_help, false) as is_help,
    answered.has_result,
    answered.is_error,
    answered.exit_code,
    answered.is_on_live_path,
    answered.is_fork_copy,
    answered.called_at
from answered
left join options_given
    on answered.tool_call_key = options_given.tool_call_key and answered.command_number = options_given.command_number
left join arguments_named
    on answered.tool_call_key = arguments_named.tool_call_key and answered.command_number = arguments_named.command_number
