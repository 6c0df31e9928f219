{{ config(
    unique_key=['beads_project_id'],
    order_by=['beads_project_id'],
    statistics=['beads_project_id'],
    tags=['scope:global']
) }}

-- Copies of a database may lie in several towns; a rig is told only when they agree.
with named as (

    select
        beads_project_id,
        rig,
        prefix,
        false as is_town_database
    from {{ ref('dim_rigs') }}
    where beads_project_id is not null
    union all
    select
        hq_project_id as beads_project_id,
        cast(null as varchar) as rig,
        'hq' as prefix,
        true as is_town_database
    from {{ ref('dim_towns') }}
    where hq_project_id is not null

)

select
    beads_project_id,
    case when min(rig) = max(rig) then min(rig) end as rig,
    case when min(prefix) = max(prefix) then min(prefix) end as prefix,
    max(case when is_town_database then 1 else 0 end) = 1 as is_town_database
from named
group by beads_project_id
