{{ config(
    incremental=true,
    unique_key=['session_key', 'uuid_hash'],
    touched_key=['session_key'],
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'uuid_hash'],
    statistics=['session_key', 'session_started_at'],
    rows_per_file=8000,
    tags=['scope:global'],
) }}

with entries as (

    select
        session_key,
        shared_id,
        entry_kind,
        recorded_at,
        is_marked_fork
    from {{ claude_entries_of(changed_sessions_sql()) }}
    where {{ of_changed_sessions() }}

),

sessions as (

    select
        session_key,
        coalesce(min(recorded_at), cast('1970-01-01 00:00:00+00' as timestamp with time zone)) as session_started_at,
        max(case when is_marked_fork then 1 else 0 end) as marked_fork
    from entries
    group by session_key

),

hashed as (

    select
        session_key,
        {{ text_number('shared_id') }} as uuid_hash,
        min(recorded_at) as recorded_at
    from entries
    where shared_id is not null and entry_kind = 'message'
    group by session_key, shared_id

)

select
    hashed.session_key,
    hashed.uuid_hash,
    sessions.session_started_at,
    sessions.marked_fork = 1 as is_marked_fork,
    min(hashed.recorded_at) as recorded_at
from hashed
inner join sessions on hashed.session_key = sessions.session_key
group by hashed.session_key, hashed.uuid_hash, sessions.session_started_at, sessions.marked_fork
