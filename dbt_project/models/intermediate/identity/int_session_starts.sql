{{ config(
    incremental=true,
    unique_key=['town_id', 'session_id', 'event_hash', 'occurrence'],
    order_by=['started_at', 'town_id', 'event_hash', 'occurrence'],
    statistics=['town_id', 'session_id', 'event_hash', 'started_at'],
    rows_per_file=20000,
    tags=['scope:shard']
) }}

with starts as (

    select
        events.town_id,
        events.event_hash,
        events.occurrence,
        events.session_id,
        events.actor_pid,
        events.session_role,
        coalesce(events.session_address, events.actor_address) as address,
        events.root_path,
        {{ path_address('events.root_path') }} as path_address,
        events.has_cwd,
        events.topic,
        events.recorded_at
    from {{ ref('stg_town__events') }} as events
    where events.event_type = 'session_start' and {{ new_rows('events') }}

)

select
    town_id,
    event_hash,
    occurrence,
    session_id,
    case
        when session_id is null then 'none'
        when {{ regex_matches('lower(session_id)', '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$') }} then 'uuid'
        -- `<role>-<pid>`, printed by versions that were not told the runtime's id.
        when session_id = actor_pid or {{ regex_matches('session_id', '-[0-9]+$') }} then 'synthetic'
        else 'other'
    end as session_id_kind,
    actor_pid,
    session_role,
    address,
    {{ address_role('address') }} as role,
    root_path,
    path_address,
    has_cwd,
    address is not null and path_address is not null and address = path_address as is_path_agreeing,
    topic,
    recorded_at as started_at
from starts
