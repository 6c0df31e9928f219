{{ config(
    materialized='delta',
    incremental=true,
    unique_key=[
        'town_id', 'beads_project_id', 'source', 'table_name', 'bead_id', 'depends_on_id', 'dependency_type', 'observed_at', 'change'
    ],
    touched_key=['beads_project_id', 'bead_id'],
    order_by=['beads_project_id', 'bead_id'],
    statistics=['beads_project_id', 'bead_id', 'observed_at'],
    tags=['scope:global']
) }}

{% set names = ['depends_on_id', 'type', 'created_at', 'created_by', 'metadata', 'thread_id'] %}
{% set bead_keys = new_bead_keys(['dependencies', 'wisp_dependencies'], ref('stg_beads__issues')) %}
{% set columns = ['town_id', 'beads_project_id', 'source', 'table_name', 'bead_id', 'depends_on_id', 'dependency_type',
    'created_by', 'metadata', 'thread_id', 'created_at_as_recorded', 'is_created_at_server_local', 'change', 'observed_at'] %}

with new_rows as (

    select
        *,
        {{ json_to_struct('record', text_shape(names)) }} as fields
    from {{ source('raw', 'beads_rows') }}
    where table_name in ('dependencies', 'wisp_dependencies') and {{ new_rows() }}

),

typed as (

    select
        town_id,
        beads_project_id,
        source,
        table_name,
        bead_id,
        -- The key holds the other bead also when the row is gone.
        coalesce(fields.depends_on_id, {{ second_key_part('row_key') }}) as depends_on_id,
        fields.type as dependency_type,
        nullif(fields.created_by, '') as created_by,
        nullif(nullif(fields.metadata, ''), '{}') as metadata,
        nullif(fields.thread_id, '') as thread_id,
        {{ to_timestamp_utc('fields.created_at') }} as created_at_as_recorded,
        not {{ has_zone('fields.created_at') }} as is_created_at_server_local,
        change,
        observed_at
    from new_rows

),

touched_beads as (

    {{ bead_keys }}

),

own_rows as (

    {{ with_known_rows('typed', columns, ['beads_project_id', 'bead_id'], bead_keys, 'not known.is_embedded') }}

),

bounded as (

    select
        *,
        min(observed_at) over (
            partition by beads_project_id, source, table_name, bead_id, depends_on_id
            order by observed_at, change desc, dependency_type, town_id
            rows between current row and unbounded following
        ) as valid_from,
        row_number() over (
            partition by beads_project_id, source, table_name, bead_id, depends_on_id
            order by observed_at desc, change, dependency_type desc, town_id desc
        ) as versions_back
    from own_rows

),

own_versions as (

    select
        *,
        lead(valid_from) over (
            partition by beads_project_id, source, table_name, bead_id, depends_on_id
            order by observed_at, change desc, dependency_type, town_id
        ) as valid_to
    from bounded

),

exported_issues as (

    select
        issues.town_id,
        issues.beads_project_id,
        issues.source,
        issues.table_name,
        issues.bead_id,
        issues.observed_at,
        issues.valid_from,
        issues.valid_to,
        issues.is_current,
        {{ json_array('issues.embedded_dependencies') }} as items
    from {{ part_of(ref('stg_beads__issues'), bead_keys) }} as issues
    inner join touched_beads
        on
            issues.beads_project_id = touched_beads.beads_project_id
            and issues.bead_id = touched_beads.bead_id
    where issues.change = 'upsert' and not issues.is_repeat and issues.embedded_dependencies is not null

),

embedded_items as (

    {{ unnest_indexed('exported_issues', 'items', [
        'town_id', 'beads_project_id', 'source', 'table_name', 'bead_id', 'observed_at', 'valid_from', 'valid_to', 'is_current'
    ]) }}

),

embedded_fields as (

    select
        *,
        {{ json_to_struct('element', text_shape(names)) }} as fields
    from embedded_items

),

embedded_versions as (

    select
        *,
        fields.depends_on_id as depends_on_id,
        fields.type as dependency_type,
        nullif(fields.created_by, '') as created_by,
        nullif(nullif(fields.metadata, ''), '{}') as metadata,
        nullif(fields.thread_id, '') as thread_id,
        {{ to_timestamp_utc('fields.created_at') }} as created_at_as_recorded,
        not {{ has_zone('fields.created_at') }} as is_created_at_server_local,
        row_number() over (
            partition by town_id, beads_project_id, source, table_name, bead_id, observed_at, fields.depends_on_id, fields.type
            order by element_index
        ) as copy_number
    from embedded_fields

),

own_edges as (

    select distinct
        beads_project_id,
        source,
        bead_id,
        depends_on_id
    from own_rows

),

edges as (

    select
        town_id,
        beads_project_id,
        source,
        table_name,
        bead_id,
        depends_on_id,
        dependency_type,
        created_by,
        metadata,
        thread_id,
        created_at_as_recorded,
        is_created_at_server_local,
        change,
        false as is_embedded,
        observed_at,
        change = 'upsert' and versions_back = 1 as is_current,
        valid_from,
        valid_to
    from own_versions
    union all
    select
        embedded.town_id,
        embedded.beads_project_id,
        embedded.source,
        embedded.table_name,
        embedded.bead_id,
        embedded.depends_on_id,
        embedded.dependency_type,
        embedded.created_by,
        embedded.metadata,
        embedded.thread_id,
        embedded.created_at_as_recorded,
        embedded.is_created_at_server_local,
        'upsert' as change,
        true as is_embedded,
        embedded.observed_at,
        embedded.is_current,
        embedded.valid_from,
        embedded.valid_to
    from embedded_versions as embedded
    left join own_edges
        on
            embedded.beads_project_id = own_edges.beads_project_id
            and embedded.source = own_edges.source
            and embedded.bead_id = own_edges.bead_id
            and embedded.depends_on_id = own_edges.depends_on_id
    -- An export that embeds edges may lie beside one that lists them; the list knows when each came and went.
    where own_edges.depends_on_id is null and embedded.copy_number = 1 and embedded.depends_on_id is not null

)

select
    town_id,
    beads_project_id,
    source,
    table_name,
    bead_id,
    depends_on_id,
    -- A bead of another database is named `external:<prefix>:<bead>`.
    regexp_replace(depends_on_id, '^external:[^:]*:', '') as depends_on_bead_id,
    depends_on_id like 'external:%' as is_external,
    dependency_type,
    created_by,
    metadata,
    thread_id,
    created_at_as_recorded,
    is_created_at_server_local,
    change,
    is_embedded,
    observed_at,
    is_current,
    valid_from,
    valid_to
from edges
