{{ config(
    unique_key=['town_id', 'rig'],
    order_by=['town_id', 'rig'],
    statistics=['town_id'],
    tags=['scope:global']
) }}

with seen as (

    select
        town_id,
        rig,
        'rigs.json' as rig_source,
        1 as preference,
        cast(null as timestamp with time zone) as first_seen_at,
        cast(null as timestamp with time zone) as last_seen_at,
        cast(0 as bigint) as session_count
    from {{ ref('stg_town__rigs') }}
    union all
    select
        town_id,
        rig,
        'routes.jsonl' as rig_source,
        2 as preference,
        cast(null as timestamp with time zone) as first_seen_at,
        cast(null as timestamp with time zone) as last_seen_at,
        cast(0 as bigint) as session_count
    from {{ ref('stg_town__routes') }}
    where rig is not null
    union all
    select
        town_id,
        rig,
        'sessions' as rig_source,
        3 as preference,
        min(session_started_at) as first_seen_at,
        max(last_recorded_at) as last_seen_at,
        cast(count(*) as bigint) as session_count
    from {{ ref('int_session_identities') }}
    where rig is not null
    group by town_id, rig
    union all
    select
        town_id,
        {{ address_rig('address') }} as rig,
        'events' as rig_source,
        4 as preference,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        cast(0 as bigint) as session_count
    from {{ ref('int_event_sightings') }}
    where {{ address_rig('address') }} is not null
    group by town_id, {{ address_rig('address') }}

),

rigs as (

    select
        town_id,
        rig,
        min(preference) as first_preference,
        {{ joined_text('rig_source', ', ', 'preference') }} as rig_sources,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        cast(sum(session_count) as bigint) as session_count
    from seen
    group by town_id, rig

),

prefixes as (

    select
        town_id,
        rig,
        min(prefix) as prefix
    from {{ ref('int_rig_prefixes') }}
    group by town_id, rig

),

databases as (

    select
        town_id,
        rig,
        beads_project_id,
        database_name,
        'metadata.json' as database_source,
        1 as preference
    from {{ ref('stg_town__databases') }}
    where rig is not null and beads_project_id is not null
    union all
    -- A rig's database is called like the rig, without what a database name may not hold.
    select
        rigs.town_id,
        rigs.rig,
        observed.beads_project_id,
        observed.database_name,
        'name' as database_source,
        2 as preference
    from rigs
    inner join {{ ref('bridge_town_database') }} as observed
        on
            rigs.town_id = observed.town_id
            and replace(replace(lower(rigs.rig), '_', ''), '-', '')
            = replace(replace(lower(observed.database_name), '_', ''), '-', '')

),

ranked_databases as (

    select
        *,
        row_number() over (partition by town_id, rig order by preference, beads_project_id, database_name) as choice
    from databases

)

select
    rigs.town_id,
    rigs.rig,
    coalesce(listed.prefix, prefixes.prefix) as prefix,
    listed.git_url,
    listed.upstream_url,
    databases.beads_project_id,
    databases.database_name,
    databases.database_source,
    case rigs.first_preference
        when 1 then 'rigs.json' when 2 then 'routes.jsonl' when 3 then 'sessions' else 'events'
    end as first_source,
    rigs.rig_sources,
    coalesce(listed.is_listed, false) as is_listed,
    rigs.session_count,
    listed.added_at,
    rigs.first_seen_at,
    rigs.last_seen_at
from rigs
left join {{ ref('stg_town__rigs') }} as listed on rigs.town_id = listed.town_id and rigs.rig = listed.rig
left join prefixes on rigs.town_id = prefixes.town_id and rigs.rig = prefixes.rig
left join ranked_databases as databases
    on rigs.town_id = databases.town_id and rigs.rig = databases.rig and databases.choice = 1
