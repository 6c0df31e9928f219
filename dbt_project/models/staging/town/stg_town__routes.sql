{{ config(tags=['scope:shard']) }}

-- Which bead prefix belongs where, from every version of `.beads/routes.jsonl`.
with files as (

    select
        town_id,
        observed_at,
        load_seq,
        is_current,
        coalesce({{ json_array('record', '$.routes') }}, {{ json_array('record') }}) as lines
    from {{ ref('stg_town__files') }}
    where kind = 'routes'

),

listed as (

    {{ unnest_indexed('files', 'lines', ['town_id', 'observed_at', 'load_seq', 'is_current']) }}

),

parsed as (

    select
        town_id,
        regexp_replace({{ json_text('element', '$.prefix') }}, '-+$', '') as prefix,
        {{ json_text('element', '$.path') }} as root_path,
        observed_at,
        load_seq,
        element_index,
        is_current
    from listed

),

ranked as (

    select
        *,
        row_number() over (
            partition by town_id, prefix
            order by observed_at desc, load_seq desc, element_index desc
        ) as versions_back,
        min(observed_at) over (partition by town_id, prefix) as first_observed_at
    from parsed
    where prefix is not null and prefix <> ''

)

select
    town_id,
    prefix,
    root_path,
    -- '.' and an empty path are the town's own database.
    case
        when root_path is null or root_path in ('', '.') then null
        else split_part(root_path, '/', 1)
    end as rig,
    is_current as is_listed,
    first_observed_at
from ranked
where versions_back = 1
