{{ config(materialized='view', tags=['scope:global']) }}

-- Which bead prefix is which rig's, by the rig registry and the routes; the registry holds where they differ.
with named as (

    select
        town_id,
        prefix,
        rig,
        'rigs.json' as prefix_source,
        1 as preference
    from {{ ref('stg_town__rigs') }}
    where prefix is not null and prefix <> ''
    union all
    select
        town_id,
        prefix,
        rig,
        'routes.jsonl' as prefix_source,
        2 as preference
    from {{ ref('stg_town__routes') }}
    where rig is not null

),

ranked as (

    select
        *,
        row_number() over (partition by town_id, prefix order by preference, rig) as choice
    from named

)

select
    town_id,
    prefix,
    rig,
    prefix_source
from ranked
where choice = 1
