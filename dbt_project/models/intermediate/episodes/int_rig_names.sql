{{ config(
    unique_key=['town_id', 'name_kind', 'name'],
    order_by=['town_id', 'name_kind', 'name'],
    statistics=['town_id'],
    tags=['scope:global'],
) }}

-- Apart from `dim_rigs`, which changes whenever an agent is seen: what a text means changes only with the registry.
select
    town_id,
    'rig' as name_kind,
    rig as name,
    rig
from {{ ref('dim_rigs') }}
union all
select
    town_id,
    'prefix' as name_kind,
    prefix as name,
    rig
from {{ ref('int_rig_prefixes') }}
