{{ config(tags=['scope:shard']) }}

-- tmux names in reports of deaths: one in `session_death`, a list in `mass_death`.
with events as (

    select
        town_id,
        event_hash,
        occurrence,
        load_seq,
        event_type,
        tmux_name,
        recorded_at,
        {{ json_array('tmux_names_json') }} as tmux_names
    from {{ ref('stg_town__events') }}
    where event_type in ('session_death', 'mass_death')

),

listed as (

    {{ unnest_indexed('events', 'tmux_names', ['town_id', 'event_hash', 'occurrence', 'load_seq', 'event_type', 'recorded_at']) }}

),

named as (

    select
        town_id,
        event_hash,
        occurrence,
        load_seq,
        event_type,
        tmux_name,
        recorded_at
    from events
    union
    select
        town_id,
        event_hash,
        occurrence,
        load_seq,
        event_type,
        {{ json_text('element', '$') }} as tmux_name,
        recorded_at
    from listed

)

select
    town_id,
    event_hash,
    occurrence,
    load_seq,
    event_type,
    tmux_name,
    recorded_at
from named
where tmux_name is not null
