{{ config(
    incremental=true,
    unique_key=['session_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at'],
    rows_per_file=500,
    tags=['scope:shard'],
) }}

with printed as (

    select
        record_key,
        block_index,
        block_type
    from {{ touched_part(ref('int_block_tokens')) }}
    where is_role_prompt and block_type = 'text' and {{ of_touched_sessions() }}

),

results as (

    select
        calls.result_record_key as record_key,
        calls.result_block_index as block_index
    from {{ touched_part(ref('int_town_commands')) }} as commands
    inner join {{ touched_part(ref('int_tool_calls_paired')) }} as calls on commands.tool_call_key = calls.tool_call_key
    where
        commands.program = 'gt' and commands.verb = 'prime' and calls.has_result and not calls.is_error
        and {{ of_touched_sessions('commands') }} and {{ of_touched_sessions('calls') }}

),

places as (

    select record_key, block_index, 1 as priority, 'hook' as source from printed
    union all
    select distinct record_key, block_index, 3 as priority, 'command' as source from results

),

outputs as (

    select
        messages.session_key,
        messages.session_started_on,
        messages.session_started_at,
        places.priority,
        places.source,
        messages.message_number as place,
        blocks.block_index,
        blocks.text
    from places
    inner join {{ touched_part(ref('int_messages')) }} as messages on places.record_key = messages.record_key
    inner join {{ touched_part(ref('stg_claude__content_blocks')) }} as blocks
        on places.record_key = blocks.record_key and places.block_index = blocks.block_index
    where
        messages.agent_key = 'main' and messages.is_on_live_path and not messages.is_fork_copy
        and (places.source = 'command' or messages.origin = 'injected')
        and {{ of_touched_sessions('messages') }} and {{ of_touched_sessions('blocks') }}
    union all
    -- Some versions note what a hook printed in a record of its progress alone.
    select
        records.session_key,
        sessions.session_started_on,
        sessions.session_started_at,
        2 as priority,
        'hook' as source,
        records.byte_offset as place,
        cast(0 as bigint) as block_index,
        records.hook_stdout as text
    from {{ touched_part(ref('stg_claude__records')) }} as records
    inner join {{ touched_part(ref('int_sessions')) }} as sessions on records.session_key = sessions.session_key
    where
        records.hook_stdout like '%GAS TOWN%' and not records.is_sidechain and records.record_type = 'progress'
        and {{ of_touched_sessions('records') }} and {{ of_touched_sessions('sessions') }}

),

lines as (

    select
        *,
        strpos(text, ' role:') > 0 as has_line,
        substr(text, strpos(text, ' role:')) as output
    from outputs

),

-- Who it is and which session stands in the first paragraph; what the role does comes after it, and after that what hooks add.
prompts as (

    select
        *,
        trim(
            split_part(
                case when has_line then substr(output, strpos(output, {{ blank_line() }}) + 2) else output end,
                '<system-reminder>',
                1
            ),
            {{ white_space() }}
        ) as after_line
    from lines
    where strpos(output, {{ blank_line() }}) > 0 or not has_line

),

ranked as (

    select
        *,
        trim(replace(after_line, '</system-reminder>', ''), {{ white_space() }}) as system_prompt,
        row_number() over (partition by session_key order by priority, place, block_index) as prompt_rank
    from prompts
    where length(after_line) > 0

)

select
    session_key,
    session_started_on,
    session_started_at,
    source,
    system_prompt,
    {{ text_hash('system_prompt') }} as system_prompt_hash,
    cast(token_count(system_prompt) as bigint) as token_count
from ranked
where prompt_rank = 1 and length(system_prompt) > 0
