{{ config(unique_key=['town_id']) }}

select
    town_id,
    min(recorded_at) as first_at,
    {{ as_of() }} as as_of
from {{ ref('int_events') }}
group by town_id
