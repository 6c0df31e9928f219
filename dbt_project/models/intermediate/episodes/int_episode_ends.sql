{{ config(
    incremental=true,
    unique_key=['session_key', 'message_number'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'message_number'],
    statistics=['session_key', 'session_started_on', 'session_started_at'],
    rows_per_file=4000,
    tags=['scope:shard'],
) }}

with commands as (

    select
        commands.session_key,
        commands.session_started_on,
        commands.session_started_at,
        commands.tool_call_key,
        commands.message_number,
        concat(commands.program, ' ', commands.verb) as command
    from {{ touched_part(ref('int_town_commands')) }} as commands
    inner join {{ ref('town_command_verbs') }} as verbs
        on commands.program = verbs.program and commands.verb = verbs.verb
    where
        verbs.effect = 'ends_work'
        and commands.agent_key = 'main'
        and commands.is_on_live_path
        and not commands.is_fork_copy
        and not commands.is_refused
        and not commands.is_error
        and not commands.is_help
        and {{ of_touched_sessions('commands') }}

),

results as (

    select
        calls.tool_call_key,
        messages.message_number
    from {{ touched_part(ref('int_tool_calls_paired')) }} as calls
    inner join {{ touched_part(ref('int_messages')) }} as messages on calls.result_message_key = messages.message_key
    where
        calls.tool_call_key in (select tool_call_key from commands)
        and {{ of_touched_sessions('calls') }}
        and {{ of_touched_sessions('messages') }}

)

select
    commands.session_key,
    commands.session_started_on,
    commands.session_started_at,
    -- Where the command was answered; a session that it ended has no answer.
    coalesce(results.message_number, commands.message_number) as message_number,
    min(commands.command) as command
from commands
left join results on commands.tool_call_key = results.tool_call_key
group by
    commands.session_key,
    commands.session_started_on,
    commands.session_started_at,
    coalesce(results.message_number, commands.message_number)
