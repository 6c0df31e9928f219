{{ config(
    incremental=true,
    unique_key=['town_id', 'tmux_name'],
    touched_key=['town_id', 'tmux_name'],
    order_by=['town_id', 'tmux_name'],
    statistics=['town_id'],
    tags=['scope:shard']
) }}

{% set columns = ['town_id', 'tmux_name', 'sighting_count', 'first_seen_at', 'last_seen_at'] %}

with named as (

    select
        town_id,
        tmux_name,
        recorded_at
    from {{ ref('stg_town__tmux_names') }}
    where {{ new_rows() }}
    union all
    select
        town_id,
        tmux_name,
        recorded_at
    from {{ ref('stg_telemetry__records') }}
    where tmux_name is not null and {{ new_rows() }}

),

counted as (

    select
        town_id,
        tmux_name,
        cast(count(*) as bigint) as sighting_count,
        min(recorded_at) as first_seen_at,
        max(recorded_at) as last_seen_at
    from named
    group by town_id, tmux_name

),

sightings as (

    {{ with_known_rows('counted', columns, ['town_id', 'tmux_name']) }}

)

select
    town_id,
    tmux_name,
    cast(sum(sighting_count) as bigint) as sighting_count,
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at
from sightings
group by town_id, tmux_name
