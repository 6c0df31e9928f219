{{ config(
    unique_key=['town_id', 'tmux_name'],
    order_by=['town_id', 'tmux_name'],
    statistics=['town_id'],
    tags=['scope:shard']
) }}

-- tmux session names are reused for ever: they name an address, never a session. Few rows, so all are read with today's prefixes.
with candidates as (

    select
        seen.town_id,
        seen.tmux_name,
        prefixes.prefix,
        prefixes.rig,
        row_number() over (
            partition by seen.town_id, seen.tmux_name
            -- Prefixes may hold hyphens: `gt-x` is before `gt`.
            order by cast(length(prefixes.prefix) as bigint) desc nulls last, prefixes.rig
        ) as choice
    from {{ ref('int_tmux_names_seen') }} as seen
    left join {{ ref('int_rig_prefixes') }} as prefixes
        on
            seen.town_id = prefixes.town_id
            and seen.tmux_name like concat(prefixes.prefix, '-%')

),

chosen as (

    select
        town_id,
        tmux_name,
        prefix,
        rig,
        case when prefix is not null then substr(tmux_name, cast(length(prefix) as integer) + 2) end as rest
    from candidates
    where choice = 1

),

parsed as (

    select
        town_id,
        tmux_name,
        prefix,
        rig,
        {{ tmux_address('tmux_name', 'rig', 'rest') }} as address
    from chosen

)

select
    parsed.town_id,
    parsed.tmux_name,
    parsed.prefix,
    parsed.address,
    {{ address_role('parsed.address') }} as role,
    {{ address_rig('parsed.address') }} as rig,
    {{ address_name('parsed.address') }} as name,
    case when parsed.address is null then 'unknown_prefix' end as unparsed_reason,
    seen.sighting_count,
    seen.first_seen_at,
    seen.last_seen_at
from parsed
inner join {{ ref('int_tmux_names_seen') }} as seen
    on parsed.town_id = seen.town_id and parsed.tmux_name = seen.tmux_name
