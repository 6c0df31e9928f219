{{ config(
    incremental=true,
    unique_key=['town_id', 'event_hash', 'occurrence'],
    order_by=['recorded_at', 'town_id', 'event_hash'],
    statistics=['town_id', 'recorded_at'],
    tags=['scope:shard']
) }}

-- Kept, because old rows of the log cannot be found by bead or agent.
select
    town_id,
    event_hash,
    occurrence,
    event_type,
    coalesce(bead_id, escalation_id) as bead_id,
    case
        when event_type = 'sling' then target_address
        when event_type = 'escalation_acked' then coalesce({{ canonical_address('acked_by') }}, actor_address)
        else actor_address
    end as agent_address,
    actor_address,
    branch,
    recorded_at
from {{ ref('stg_town__events') }}
where
    event_type in ('sling', 'hook', 'unhook', 'done', 'escalation_acked')
    and coalesce(bead_id, escalation_id) is not null
    and town_id is not null
    and recorded_at is not null
    and {{ new_rows() }}
