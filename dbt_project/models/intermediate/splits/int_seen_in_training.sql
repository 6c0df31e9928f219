{{ config(
    unique_key=['episode_key'],
    order_by=['episode_key'],
    statistics=['episode_key'],
    tags=['scope:global'],
) }}

with members as (

    select
        episode_key,
        snapshot_id,
        row_number() over (partition by episode_key order by snapshot_sequence, snapshot_id) as place
    from {{ source('ops', 'snapshot_members') }}
    where split = 'train' and episode_key is not null

)

select
    episode_key,
    snapshot_id as first_snapshot_id
from members
where place = 1
