{{ config(
    incremental=true,
    unique_key=['town_id', 'session_id', 'agent_address', 'bead_id', 'load_seq'],
    order_by=['first_recorded_at', 'town_id', 'session_id'],
    statistics=['town_id', 'session_id', 'first_recorded_at'],
    tags=['scope:shard']
) }}

-- Telemetry repeats the issue of a session on every record: one row per load says it all.
select
    town_id,
    session_id,
    agent_address,
    bead_id,
    load_seq,
    cast(count(*) as bigint) as record_count,
    min(event_hash) as event_hash,
    min(recorded_at) as first_recorded_at,
    max(recorded_at) as last_recorded_at
from {{ ref('stg_telemetry__records') }}
where
    town_id is not null
    and bead_id is not null
    and recorded_at is not null
    -- A sling names the bead of somebody else.
    and event_name <> 'sling'
    and (session_id is not null or event_name = 'agent.instantiate')
    and {{ new_rows() }}
group by town_id, session_id, agent_address, bead_id, load_seq
