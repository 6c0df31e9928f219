{{ config(
    incremental=true,
    unique_key=['episode_key', 'measure', 'item'],
    touched_key=['session_key'],
    touched_sql="{{ mix_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key', 'measure', 'item_number'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key', 'town_id'],
    tags=['scope:shard'],
) }}

with episodes as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        town_id,
        role_family,
        first_message_number,
        last_message_number,
        turn_count
    from {{ mix_part(ref('fct_episodes')) }}
    where town_id is not null and role_family is not null and {{ of_mix_sessions() }}

),

tools as (

    select
        episodes.episode_key,
        'tool_mix' as measure,
        calls.tool_name as item
    from episodes
    inner join {{ mix_part(ref('int_tool_calls_paired')) }} as calls
        on
            episodes.session_key = calls.session_key
            and calls.message_number between episodes.first_message_number and episodes.last_message_number
    where
        calls.agent_key = 'main'
        and calls.is_on_live_path
        and not calls.is_fork_copy
        and calls.tool_name is not null
        and {{ of_mix_sessions('calls') }}

),

commands as (

    select
        episodes.episode_key,
        'command_mix' as measure,
        concat(commands.program, ' ', coalesce(commands.verb, '')) as item
    from episodes
    inner join {{ mix_part(ref('int_town_commands')) }} as commands
        on
            episodes.session_key = commands.session_key
            and commands.message_number between episodes.first_message_number and episodes.last_message_number
    where
        commands.program in ('gt', 'bd')
        and commands.agent_key = 'main'
        and commands.is_on_live_path
        and not commands.is_fork_copy
        and {{ of_mix_sessions('commands') }}

),

-- Of what the source counted as written tokens much is unknown or a first guess; characters are always there.
written as (

    select
        episodes.episode_key,
        cast(sum(responses.written_characters) as bigint) as written_characters
    from episodes
    inner join {{ mix_part(ref('int_api_responses')) }} as responses
        on
            episodes.session_key = responses.session_key
            and responses.first_message_number between episodes.first_message_number and episodes.last_message_number
    where
        responses.agent_key = 'main'
        and responses.is_on_live_path
        and not responses.is_fork_copy
        and {{ of_mix_sessions('responses') }}
    group by episodes.episode_key

),

-- One item of each kind per episode: the divergence of both together is the mean of the two.
lengths as (

    select
        episode_key,
        'length' as measure,
        concat('turns from ', cast({{ doubling_bin('turn_count') }} as varchar)) as item
    from episodes
    union all
    select
        episodes.episode_key,
        'length' as measure,
        concat('characters from ', cast({{ doubling_bin('coalesce(written.written_characters, 0)') }} as varchar)) as item
    from episodes
    left join written on episodes.episode_key = written.episode_key

),

outcomes as (

    select
        episode_key,
        'outcome_mix' as measure,
        outcome as item
    from {{ mix_part(ref('fct_outcomes')) }}
    where {{ of_mix_sessions() }}

),

items as (

    select * from tools
    union all
    select * from commands
    union all
    select * from lengths
    union all
    select * from outcomes

),

counted as (

    select
        episode_key,
        measure,
        item,
        cast(count(*) as bigint) as item_count
    from items
    group by episode_key, measure, item

)

select
    episodes.episode_key,
    episodes.session_key,
    episodes.session_started_on,
    episodes.session_started_at,
    episodes.town_id,
    episodes.role_family,
    counted.measure,
    counted.item,
    row_number() over (partition by counted.episode_key, counted.measure order by counted.item) as item_number,
    counted.item_count,
    cast(mod({{ text_number('episodes.episode_key') }}, 32) as bigint) as bucket
from counted
inner join episodes on counted.episode_key = episodes.episode_key
