{{ config(
    unique_key=['town_id'],
    order_by=['town_id'],
    statistics=['town_id'],
    tags=['scope:global']
) }}

-- Few columns of few rows per town are read whole: counting anew is cheaper than keeping counts right.
with sessions as (

    select
        town_id,
        cast(count(*) as bigint) as session_count,
        min(session_started_at) as first_session_at,
        max(last_recorded_at) as newest_session_at
    from {{ ref('int_session_identities') }}
    where town_id is not null
    group by town_id

),

events as (

    select
        town_id,
        max(last_seen_at) as newest_event_at
    from {{ ref('int_event_sightings') }}
    group by town_id

),

databases as (

    select
        town_id,
        cast(count(distinct beads_project_id) as bigint) as database_count,
        max(newest_change_at) as newest_beads_at
    from {{ ref('bridge_town_database') }}
    group by town_id

),

hq_databases as (

    select
        town_id,
        max(beads_project_id) as hq_project_id
    from {{ ref('stg_town__databases') }}
    where rig is null
    group by town_id

),

town_ids as (

    select town_id from {{ ref('stg_town__towns') }}
    union
    select town_id from sessions
    union
    select town_id from events
    union
    select town_id from databases

)

select
    town_ids.town_id,
    coalesce(towns.declared_name, towns.public_name, towns.town_name, town_ids.town_id) as name,
    towns.town_name,
    towns.public_name,
    towns.owner,
    towns.created_at,
    coalesce(towns.declared_hq_project_id, hq_databases.hq_project_id) as hq_project_id,
    coalesce(towns.has_town_file, false) as has_role_paths,
    coalesce(sessions.session_count, 0) as session_count,
    coalesce(databases.database_count, 0) as database_count,
    sessions.first_session_at,
    sessions.newest_session_at,
    events.newest_event_at,
    databases.newest_beads_at,
    greatest(
        coalesce(sessions.newest_session_at, events.newest_event_at, databases.newest_beads_at),
        coalesce(events.newest_event_at, sessions.newest_session_at, databases.newest_beads_at),
        coalesce(databases.newest_beads_at, sessions.newest_session_at, events.newest_event_at)
    ) as newest_data_at
from town_ids
left join {{ ref('stg_town__towns') }} as towns on town_ids.town_id = towns.town_id
left join sessions on town_ids.town_id = sessions.town_id
left join events on town_ids.town_id = events.town_id
left join databases on town_ids.town_id = databases.town_id
left join hq_databases on town_ids.town_id = hq_databases.town_id
