select
    town_id,
    event_hash,
    event_type,
    actor,
    recorded_at,
    load_seq
from {{ source('raw', 'town_events') }}
