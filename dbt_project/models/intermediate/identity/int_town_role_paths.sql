{{ config(
    unique_key=['town_id'],
    statistics=['town_id'],
    tags=['scope:global']
) }}

-- Its own table, because the sessions of a town are looked at again when, and only when, this changes.
select
    town_id,
    has_town_file as has_role_paths
from {{ ref('stg_town__towns') }}
