{{ config(
    incremental=true,
    unique_key=['tool_call_key', 'command_number', 'word_number'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'tool_call_key', 'command_number', 'word_number'],
    statistics=['session_key', 'session_started_on', 'session_started_at'],
    rows_per_file=4000,
    tags=['scope:shard'],
) }}

with scripts as (

    select
        calls.tool_call_key,
        calls.session_key,
        calls.session_started_on,
        calls.session_started_at,
        {{ plain_script('shells.shell_text') }} as script
    from {{ touched_part(ref('int_tool_calls_paired')) }} as calls
    inner join {{ claude_shell_commands_of(touched_sessions_sql()) }} as shells
        on calls.record_key = shells.record_key and calls.block_index = shells.block_index
    where
        {{ is_town_command_text('shells.shell_text') }}
        and {{ of_touched_sessions('calls') }}
        and {{ of_touched_sessions('shells') }}

),

-- What a here-document holds is not run.
line_lists as (

    select
        tool_call_key,
        {{ all_matches('script', shell_pattern('[^~n]+')) }} as script_lines
    from scripts
    where script like '%<<%'

),

script_lines as (

    {{ unnest_indexed('line_lists', 'script_lines', ['tool_call_key']) }}

),

heredocs as (

    select
        openings.tool_call_key,
        openings.element_index as first_line,
        min(endings.element_index) as last_line
    from script_lines as openings
    inner join script_lines as endings
        on
            openings.tool_call_key = endings.tool_call_key
            and openings.element_index < endings.element_index
            and {{ heredoc_word('openings.element') }} = trim(endings.element)
    group by openings.tool_call_key, openings.element_index

),

heredoc_lines as (

    select distinct
        script_lines.tool_call_key,
        script_lines.element_index
    from script_lines
    inner join heredocs
        on
            script_lines.tool_call_key = heredocs.tool_call_key
            and script_lines.element_index > heredocs.first_line
            and script_lines.element_index <= heredocs.last_line

),

shortened as (

    select
        script_lines.tool_call_key,
        {{ joined_text('script_lines.element', line_break(), 'script_lines.element_index') }} as script
    from script_lines
    left join heredoc_lines
        on
            script_lines.tool_call_key = heredoc_lines.tool_call_key
            and script_lines.element_index = heredoc_lines.element_index
    where heredoc_lines.element_index is null
    group by script_lines.tool_call_key

),

token_lists as (

    select
        scripts.tool_call_key,
        {{ shell_tokens('coalesce(shortened.script, scripts.script)') }} as tokens
    from scripts
    left join shortened on scripts.tool_call_key = shortened.tool_call_key

),

tokens as (

    {{ unnest_indexed('token_lists', 'tokens', ['tool_call_key']) }}

),

pieces as (

    select
        tool_call_key,
        element_index,
        element,
        cast(sum(case when {{ is_shell_separator('element') }} then 1 else 0 end) over (
            partition by tool_call_key order by element_index
            rows between unbounded preceding and current row
        ) as bigint) as piece
    from tokens

),

words as (

    select
        tool_call_key,
        piece,
        element_index,
        element,
        {{ is_before_program('element') }} as is_before_program,
        lag(element) over (partition by tool_call_key, piece order by element_index) as word_before,
        row_number() over (
            partition by tool_call_key, piece
            order by case when {{ is_before_program('element') }} then 1 else 0 end, element_index
        ) as program_rank
    from pieces
    where not {{ is_shell_separator('element') }} and ascii(element) <> 35

),

programs as (

    select
        tool_call_key,
        piece,
        element_index,
        regexp_extract(element, '([^/]*)$', 1) as program,
        row_number() over (partition by tool_call_key order by piece) as command_number
    from words
    where
        program_rank = 1
        and not is_before_program
        and regexp_extract(element, '([^/]*)$', 1) in ('gt', 'bd', 'git')

)

select
    programs.tool_call_key,
    cast(programs.command_number as bigint) as command_number,
    -- The program itself is word 0.
    cast(row_number() over (
        partition by programs.tool_call_key, programs.command_number order by words.element_index
    ) - 1 as bigint) as word_number,
    scripts.session_key,
    scripts.session_started_on,
    scripts.session_started_at,
    programs.program,
    words.element as word
from programs
inner join words
    on
        programs.tool_call_key = words.tool_call_key
        and programs.piece = words.piece
        and programs.element_index <= words.element_index
inner join scripts on programs.tool_call_key = scripts.tool_call_key
-- Where output goes is no argument.
where
    not {{ regex_matches('words.element', '^[0-9]*[<>]') }}
    and not coalesce({{ regex_matches('words.word_before', '^[0-9]*[<>]+$') }}, false)
