{{ config(
    incremental=true,
    unique_key=['town_id', 'agent_address', 'acted_on', 'event_hash'],
    order_by=['town_id', 'acted_at', 'agent_address', 'event_hash'],
    statistics=['town_id', 'agent_address', 'acted_on', 'acted_at'],
    tags=['scope:shard']
) }}

-- A line that was logged twice says the same once.
with events as (

    select
        *,
        row_number() over (partition by town_id, event_hash order by occurrence) as choice
    from {{ ref('stg_town__events') }}
    where
        event_type in ('polecat_checked', 'polecat_nudged', 'nudge')
        and actor_address is not null
        and {{ address_role('actor_address') }} in ('witness', 'deacon', 'boot', 'dog')
        and {{ new_rows() }}

)

select
    town_id,
    actor_address as agent_address,
    cast(recorded_at as date) as acted_on,
    recorded_at as acted_at,
    event_hash,
    event_type,
    case when event_type = 'polecat_checked' then 'look' else 'alarm' end as act,
    -- Events of the town itself name a role without its rig: who that was, the event does not say.
    coalesce(target_address, polecat_address) as target_address,
    case
        when checked_status = 'stuck' then 'stalled'
        when checked_status = 'working' then 'working'
    end as pane_signal,
    checked_status
from events
where choice = 1 and occurrence = 0 and recorded_at is not null
