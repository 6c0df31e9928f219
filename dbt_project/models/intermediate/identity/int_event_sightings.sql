{{ config(
    incremental=true,
    unique_key=['town_id', 'address', 'seen_as'],
    touched_key=['town_id', 'address', 'seen_as'],
    order_by=['town_id', 'address', 'seen_as'],
    statistics=['town_id'],
    tags=['scope:shard']
) }}

{% set columns = ['town_id', 'address', 'seen_as', 'is_address_assumed', 'sighting_count', 'first_seen_at', 'last_seen_at'] %}

with events as (

    select
        town_id,
        actor,
        actor_address,
        is_target_assumed,
        target_address,
        polecat_address,
        agent,
        agent_address,
        session_role,
        session_address,
        recorded_at
    from {{ ref('stg_town__events') }}
    where {{ new_rows() }}

),

named as (

    select town_id, actor_address as address, 'actor' as seen_as, {{ is_short_address('actor') }} as is_assumed, recorded_at
    from events
    where actor_address is not null
    union all
    select town_id, target_address as address, 'target' as seen_as, is_target_assumed as is_assumed, recorded_at
    from events
    where target_address is not null
    union all
    select town_id, polecat_address as address, 'spawned' as seen_as, false as is_assumed, recorded_at
    from events
    where polecat_address is not null
    union all
    select town_id, agent_address as address, 'died' as seen_as, {{ is_short_address('agent') }} as is_assumed, recorded_at
    from events
    where agent_address is not null
    union all
    select
        town_id, session_address as address, 'started' as seen_as, {{ is_short_address('session_role') }} as is_assumed, recorded_at
    from events
    where session_address is not null

),

counted as (

    select
        town_id,
        address,
        seen_as,
        min(case when is_assumed then 1 else 0 end) = 1 as is_address_assumed,
        cast(count(*) as bigint) as sighting_count,
        min(recorded_at) as first_seen_at,
        max(recorded_at) as last_seen_at
    from named
    group by town_id, address, seen_as

),

sightings as (

    {{ with_known_rows('counted', columns, ['town_id', 'address', 'seen_as']) }}

)

select
    town_id,
    address,
    seen_as,
    min(case when is_address_assumed then 1 else 0 end) = 1 as is_address_assumed,
    cast(sum(sighting_count) as bigint) as sighting_count,
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at
from sightings
group by town_id, address, seen_as
