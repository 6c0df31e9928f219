{{ config(
    materialized='delta',
    incremental=true,
    unique_key=['town_id', 'beads_project_id', 'source', 'table_name', 'bead_id', 'label', 'observed_at', 'change'],
    touched_key=['beads_project_id', 'bead_id'],
    order_by=['beads_project_id', 'bead_id'],
    statistics=['beads_project_id', 'bead_id', 'observed_at'],
    tags=['scope:global']
) }}

{% set bead_keys = new_bead_keys(['labels', 'wisp_labels'], ref('stg_beads__issues')) %}
{% set columns = ['town_id', 'beads_project_id', 'source', 'table_name', 'bead_id', 'label', 'change', 'observed_at'] %}

with typed as (

    select
        town_id,
        beads_project_id,
        source,
        table_name,
        bead_id,
        -- The key holds the label also when the row is gone.
        coalesce({{ json_text('record', '$.label') }}, {{ second_key_part('row_key') }}) as label,
        change,
        observed_at
    from {{ source('raw', 'beads_rows') }}
    where table_name in ('labels', 'wisp_labels') and {{ new_rows() }}

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
            partition by beads_project_id, source, table_name, bead_id, label
            order by observed_at, change desc, town_id
            rows between current row and unbounded following
        ) as valid_from,
        row_number() over (
            partition by beads_project_id, source, table_name, bead_id, label
            order by observed_at desc, change, town_id desc
        ) as versions_back
    from own_rows

),

own_versions as (

    select
        *,
        lead(valid_from) over (
            partition by beads_project_id, source, table_name, bead_id, label
            order by observed_at, change desc, town_id
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
        {{ json_array('issues.embedded_labels') }} as items
    from {{ part_of(ref('stg_beads__issues'), bead_keys) }} as issues
    inner join touched_beads
        on
            issues.beads_project_id = touched_beads.beads_project_id
            and issues.bead_id = touched_beads.bead_id
    where issues.change = 'upsert' and not issues.is_repeat and issues.embedded_labels is not null

),

embedded_items as (

    {{ unnest_indexed('exported_issues', 'items', [
        'town_id', 'beads_project_id', 'source', 'table_name', 'bead_id', 'observed_at', 'valid_from', 'valid_to', 'is_current'
    ]) }}

),

embedded_versions as (

    select distinct
        town_id,
        beads_project_id,
        source,
        table_name,
        bead_id,
        {{ json_text('element', '$') }} as label,
        observed_at,
        valid_from,
        valid_to,
        is_current
    from embedded_items

),

own_labels as (

    select distinct
        beads_project_id,
        source,
        bead_id,
        label
    from own_rows

)

select
    town_id,
    beads_project_id,
    source,
    table_name,
    bead_id,
    label,
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
    embedded.label,
    'upsert' as change,
    true as is_embedded,
    embedded.observed_at,
    embedded.is_current,
    embedded.valid_from,
    embedded.valid_to
from embedded_versions as embedded
left join own_labels
    on
        embedded.beads_project_id = own_labels.beads_project_id
        and embedded.source = own_labels.source
        and embedded.bead_id = own_labels.bead_id
        and embedded.label = own_labels.label
-- An export that embeds labels may lie beside one that lists them; the list knows when each came and went.
where own_labels.label is null and embedded.label is not null
