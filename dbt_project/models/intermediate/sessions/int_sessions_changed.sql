{{ config(materialized='table', tags=['scope:shard']) }}

select
    session_key,
    min(placed_at) as placed_at
from {{ ref('stg_claude__entries') }}
where {{ new_rows() }}
group by session_key
