{{ config(
    incremental=true,
    unique_key=['town_id', 'actor'],
    touched_key=['town_id', 'actor'],
    order_by=['last_at', 'actor'],
    rows_per_file=2048,
) }}

select
    town_id,
    actor,
    cast(count(*) as bigint) as event_count,
    max(recorded_at) as last_at
from {{ part_of(ref('int_events'), 'select distinct town_id, actor from ' ~ touched(ref('int_events'))) }} as events
{% if is_incremental() %}
where exists (
    select 1 from {{ touched(ref('int_events')) }} as touched
    where touched.town_id is not distinct from events.town_id and touched.actor is not distinct from events.actor
)
{% endif %}
group by town_id, actor
