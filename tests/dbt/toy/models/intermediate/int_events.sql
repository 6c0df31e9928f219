{{ config(
    incremental=true,
    unique_key=['town_id', 'actor', 'event_hash'],
    order_by=['recorded_at', 'event_hash'],
    statistics=['recorded_at'],
    rows_per_file=2048,
) }}

select
    town_id,
    event_hash,
    actor,
    recorded_at,
    md5(event_hash) as payload
from {{ ref('stg_events') }}
where {{ new_rows() }}
