{{ config(
    incremental=true,
    unique_key=['town_id', 'beads_project_id', 'source'],
    touched_key=['town_id', 'beads_project_id', 'source'],
    order_by=['town_id', 'beads_project_id', 'source'],
    statistics=['town_id', 'beads_project_id'],
    tags=['scope:global']
) }}

{% set columns = ['town_id', 'beads_project_id', 'source', 'database_name', 'row_version_count', 'first_observed_at',
    'last_observed_at', 'newest_change_at'] %}

with new_rows as (

    select
        town_id,
        beads_project_id,
        source,
        max(database) as database_name,
        cast(count(*) as bigint) as row_version_count,
        min(observed_at) as first_observed_at,
        max(observed_at) as last_observed_at,
        -- Times of other tables are the server's own.
        max(case when table_name in ('issues', 'wisps') then updated_at end) as newest_change_at
    from {{ source('raw', 'beads_rows') }}
    where town_id is not null and {{ new_rows() }}
    group by town_id, beads_project_id, source

),

observations as (

    {{ with_known_rows('new_rows', columns, ['town_id', 'beads_project_id', 'source']) }}

)

select
    town_id,
    beads_project_id,
    source,
    max(database_name) as database_name,
    cast(sum(row_version_count) as bigint) as row_version_count,
    min(first_observed_at) as first_observed_at,
    max(last_observed_at) as last_observed_at,
    max(newest_change_at) as newest_change_at
from observations
group by town_id, beads_project_id, source
