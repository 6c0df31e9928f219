{{ config(
    incremental=true,
    unique_key=['episode_key', 'tool_call_key', 'command_number'],
    touched_key=['session_key'],
    touched_sql="select session_key from {{ touched(ref('fct_episodes')) }} union select session_key from {{ touched(ref('int_town_commands')) }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'acted_at', 'tool_call_key', 'command_number'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'acted_at'],
    tags=['scope:shard'],
) }}

{% set touched_sessions = 'select session_key from ' ~ touched(ref('fct_episodes'))
    ~ ' union select session_key from ' ~ touched(ref('int_town_commands')) %}
{% set rescues = "'polecat nuke', 'deacon start', 'deacon restart', 'witness start', 'witness restart', 'refinery start', "
    ~ "'refinery restart'" %}
{% set surveys = "'polecat list', 'polecat status', 'health', 'status', 'deacon status', 'witness status', 'refinery status', "
    ~ "'dog list', 'mq list', 'patrol new', 'boot status', 'boot triage'" %}

with cycles as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        town_id,
        agent_address,
        role,
        rig,
        first_message_number,
        last_message_number
    from {{ part_of(ref('fct_episodes'), touched_sessions) }}
    where role in ('witness', 'deacon', 'boot', 'dog') and kind = 'cycle' and {{ session_rows(touched_sessions) }}

),

commands as (

    select
        tool_call_key,
        command_number,
        session_key,
        message_number,
        verb,
        target,
        is_error,
        called_at,
        case
            when verb = 'peek' then 'look'
            when verb = 'nudge' then 'alarm'
            when verb in ({{ rescues }}) then 'rescue'
            when verb in ('dog done', 'plugin run') then 'errand'
            else 'survey'
        end as act
    from {{ part_of(ref('int_town_commands'), touched_sessions) }}
    where
        program = 'gt'
        and agent_key = 'main'
        and is_on_live_path
        and not is_fork_copy
        and not is_help
        and verb in ('peek', 'nudge', 'dog done', 'plugin run', {{ rescues }}, {{ surveys }})
        and {{ session_rows(touched_sessions) }}

),

acts as (

    select
        cycles.episode_key,
        cycles.session_key,
        cycles.session_started_on,
        cycles.session_started_at,
        cycles.town_id,
        cycles.agent_address,
        commands.tool_call_key,
        commands.command_number,
        commands.act,
        commands.verb,
        commands.is_error,
        commands.called_at as acted_at,
        coalesce(
            {{ canonical_address('commands.target') }},
            case
                -- A role that exists once in a rig is started by the rig's name.
                when split_part(commands.verb, ' ', 2) in ('restart', 'start', 'status')
                    then {{ local_address('coalesce(commands.target, cycles.rig)', "split_part(commands.verb, ' ', 1)") }}
                else {{ local_address('cycles.rig', 'commands.target') }}
            end
        ) as target_address
    from commands
    inner join cycles
        on
            commands.session_key = cycles.session_key
            and commands.message_number >= cycles.first_message_number
            and commands.message_number <= cycles.last_message_number

),

results as (

    select
        tool_call_key,
        lower(left(result_text, 20000)) as result_text
    from {{ part_of(ref('fct_tool_calls'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

judged as (

    select
        acts.*,
        rules.signal as pane_signal,
        case
            when acts.act = 'errand' then {{ regex_group('results.result_text', '(?:result:|: *)(success|failure|skip)', 1) }}
        end as errand_result,
        row_number() over (
            partition by acts.episode_key, acts.tool_call_key, acts.command_number
            order by rules.rule_number
        ) as choice
    from acts
    left join results on acts.tool_call_key = results.tool_call_key
    left join {{ ref('outcome_text_rules') }} as rules
        on acts.act = 'look' and rules.text_kind = 'pane' and results.result_text like rules.pattern

)

select
    episode_key,
    tool_call_key,
    command_number,
    session_key,
    session_started_on,
    session_started_at,
    town_id,
    agent_address,
    act,
    verb,
    target_address,
    pane_signal,
    errand_result,
    is_error,
    acted_at
from judged
where choice = 1
