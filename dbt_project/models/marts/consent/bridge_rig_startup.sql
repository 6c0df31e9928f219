{{ config(
    unique_key=['town_id', 'rig'],
    order_by=['town_id', 'rig'],
    statistics=['town_id'],
    tags=['scope:global'],
) }}

with towns as (

    select
        town_id,
        name
    from {{ ref('dim_towns') }}

),

named as (

    select
        towns.town_id,
        listed.rig,
        listed.startup
    from {{ source('policy', 'startup_rigs') }} as listed
    inner join towns on listed.town = towns.name

),

rigs as (

    select
        town_id,
        rig
    from {{ ref('dim_rigs') }}
    union
    select
        town_id,
        rig
    from named

)

select
    towns.town_id,
    rigs.rig,
    coalesce(named.startup, concat(towns.name, '/', rigs.rig)) as startup,
    named.startup is not null as is_named
from rigs
inner join towns on rigs.town_id = towns.town_id
left join named on rigs.town_id = named.town_id and rigs.rig = named.rig
union all
-- What belongs to no rig belongs to the town.
select
    towns.town_id,
    cast(null as varchar) as rig,
    concat(towns.name, '/hq') as startup,
    startups.startup is not null as is_named
from towns
left join {{ source('policy', 'startups') }} as startups on concat(towns.name, '/hq') = startups.startup
