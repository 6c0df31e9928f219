{{ config(
    unique_key=['town_id', 'address'],
    order_by=['town_id', 'address'],
    statistics=['town_id'],
    tags=['scope:global']
) }}

with seen as (

    select
        town_id,
        agent_address as address,
        false as is_address_assumed,
        cast(count(*) as bigint) as session_count,
        cast(0 as bigint) as event_count,
        min(session_started_at) as first_seen_at,
        max(last_recorded_at) as last_seen_at
    from {{ ref('int_session_identities') }}
    where agent_address is not null and town_id is not null
    group by town_id, agent_address
    union all
    select
        town_id,
        address,
        is_address_assumed,
        cast(0 as bigint) as session_count,
        case when seen_as = 'actor' then sighting_count else cast(0 as bigint) end as event_count,
        first_seen_at,
        last_seen_at
    from {{ ref('int_event_sightings') }}

),

agents as (

    select
        town_id,
        address,
        {{ address_role('address') }} as role,
        {{ address_rig('address') }} as rig,
        {{ address_name('address') }} as name,
        min(case when is_address_assumed then 1 else 0 end) = 1 as is_address_assumed,
        cast(sum(session_count) as bigint) as session_count,
        cast(sum(event_count) as bigint) as event_count,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from seen
    group by town_id, address

)

select
    agents.town_id,
    agents.address,
    agents.role,
    families.role_family,
    agents.rig,
    agents.name,
    {{ address_tmux_name('agents.address', 'rigs.prefix') }} as tmux_name,
    {{ address_bead_id('agents.address', 'rigs.prefix') }} as agent_bead_id,
    agents.is_address_assumed,
    agents.session_count,
    agents.event_count,
    agents.first_seen_at,
    agents.last_seen_at
from agents
left join {{ ref('dim_rigs') }} as rigs on agents.town_id = rigs.town_id and agents.rig = rigs.rig
left join {{ ref('role_families') }} as families on agents.role = families.role
