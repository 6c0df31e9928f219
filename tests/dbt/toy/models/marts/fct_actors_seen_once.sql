{{ config(
    incremental=true,
    unique_key=['town_id', 'actor'],
    touched_key=['town_id', 'actor'],
    touched_sql="select town_id, actor from {{ touched(ref('int_actors_seen')) }}",
    order_by=['last_at'],
) }}

select
    town_id,
    actor,
    last_at
from {{ ref('int_actors_seen') }} as seen
where
    event_count = 1
    {% if is_incremental() %}
    and exists (
        select 1 from {{ touched(ref('int_actors_seen')) }} as touched
        where touched.town_id is not distinct from seen.town_id and touched.actor is not distinct from seen.actor
    )
    {% endif %}
