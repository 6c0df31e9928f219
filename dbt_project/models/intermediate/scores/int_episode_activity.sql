{{ config(
    incremental=true,
    unique_key=['episode_key', 'load_seq'],
    touched_key=['session_key'],
    touched_sql="{{ touched_episode_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'load_seq'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'load_seq'],
    tags=['scope:shard'],
) }}

with episodes as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        first_message_number,
        last_message_number
    from {{ touched_episode_part(ref('fct_episodes')) }}
    where {{ of_touched_episodes() }}

),

loads as (

    select
        record_key,
        load_seq
    from {{ touched_episode_part(ref('stg_claude__records')) }}
    where {{ of_touched_episodes() }}

),

messages as (

    select
        session_key,
        message_number,
        record_key,
        recorded_at
    from {{ touched_episode_part(ref('int_messages')) }}
    where agent_key = 'main' and recorded_at is not null and {{ of_touched_episodes() }}

),

timed as (

    select
        episodes.episode_key,
        episodes.session_key,
        episodes.session_started_on,
        episodes.session_started_at,
        loads.load_seq,
        messages.recorded_at,
        {{ seconds_between(
            "lag(messages.recorded_at) over (partition by episodes.episode_key order by messages.message_number)",
            'messages.recorded_at'
        ) }} as silent_seconds
    from episodes
    inner join messages
        on
            episodes.session_key = messages.session_key
            and messages.message_number between episodes.first_message_number and episodes.last_message_number
    inner join loads on messages.record_key = loads.record_key

),

-- In whole milliseconds: sums of them do not depend on their order.
measured as (

    select
        *,
        cast(
            round(1000 * least(greatest(coalesce(silent_seconds, 0), 0), {{ score_rule('idle_gap_seconds') }})) as bigint
        ) as active_milliseconds
    from timed

),

by_load as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        load_seq,
        cast(count(*) as bigint) as message_count,
        cast(sum(active_milliseconds) as bigint) as active_milliseconds,
        max(recorded_at) as last_recorded_at
    from measured
    group by episode_key, session_key, session_started_on, session_started_at, load_seq

)

select
    episode_key,
    session_key,
    session_started_on,
    session_started_at,
    load_seq,
    cast(sum(message_count) over so_far as bigint) as message_count,
    cast(sum(active_milliseconds) over so_far as bigint) / cast(1000 as double) as active_seconds,
    max(last_recorded_at) over so_far as last_recorded_at,
    row_number() over (partition by episode_key order by load_seq desc) = 1 as is_latest
from by_load
window so_far as (partition by episode_key order by load_seq rows between unbounded preceding and current row)
