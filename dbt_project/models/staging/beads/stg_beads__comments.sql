{{ config(
    materialized='delta',
    incremental=true,
    unique_key=['beads_project_id', 'bead_id', 'comment_id'],
    touched_key=['beads_project_id', 'bead_id', 'comment_id'],
    order_by=['created_at', 'beads_project_id', 'bead_id'],
    statistics=['beads_project_id', 'bead_id', 'comment_id', 'created_at'],
    tags=['scope:global']
) }}

{% set columns = ['beads_project_id', 'bead_id', 'comment_id', 'author', 'text', 'created_at_text', 'created_at', 'source',
    'is_embedded', 'observed_at', 'record_hash'] %}
{% set names = ['id', 'author', 'text', 'created_at'] %}

with own_rows as (

    select
        beads_project_id,
        bead_id,
        row_key as comment_id,
        source,
        false as is_embedded,
        observed_at,
        record_hash,
        {{ json_to_struct('record', text_shape(names)) }} as fields
    from {{ source('raw', 'beads_rows') }}
    -- As with events, a purge does not undo what was said.
    where table_name in ('comments', 'wisp_comments') and change = 'upsert' and {{ new_rows() }}

),

exported_issues as (

    select
        issues.beads_project_id,
        issues.bead_id,
        issues.source,
        issues.observed_at,
        issues.record_hash,
        {{ json_array('issues.embedded_comments') }} as items
    from {{ part_of(ref('stg_beads__issues'), touched(ref('stg_beads__issues'))) }} as issues
    {% if is_incremental() %}
    inner join {{ touched(ref('stg_beads__issues')) }} as touched_issues
        on
            issues.beads_project_id = touched_issues.beads_project_id
            and issues.bead_id = touched_issues.bead_id
    {% endif %}
    where issues.embedded_comments is not null

),

embedded_items as (

    {{ unnest_indexed('exported_issues', 'items', ['beads_project_id', 'bead_id', 'source', 'observed_at', 'record_hash']) }}

),

embedded_rows as (

    select
        *,
        {{ json_to_struct('element', text_shape(names)) }} as fields
    from embedded_items

),

new_comments as (

    select
        beads_project_id,
        bead_id,
        comment_id,
        source,
        is_embedded,
        observed_at,
        record_hash,
        fields
    from own_rows
    union all
    select
        beads_project_id,
        bead_id,
        -- A comment without an id goes by its place.
        coalesce(fields.id, concat('#', cast(element_index as varchar))) as comment_id,
        source,
        true as is_embedded,
        observed_at,
        record_hash,
        fields
    from embedded_rows
    where fields.id is not null or fields.text is not null

),

typed as (

    select
        beads_project_id,
        bead_id,
        comment_id,
        nullif(fields.author, '') as author,
        fields.text as text,
        fields.created_at as created_at_text,
        -- Written by bd itself, so UTC, unlike the times of events.
        {{ to_timestamp_utc('fields.created_at') }} as created_at,
        source,
        is_embedded,
        observed_at,
        record_hash
    from new_comments

),

copies as (

    {{ with_known_rows('typed', columns, ['beads_project_id', 'bead_id', 'comment_id']) }}

),

ranked as (

    select
        *,
        -- The newest text; the comment's own row before a copy of it inside an exported issue.
        row_number() over (
            partition by beads_project_id, bead_id, comment_id
            order by is_embedded, observed_at desc, source, record_hash
        ) as copy_number
    from copies

)

select
    {{ columns | join(',\n    ') }}
from ranked
where copy_number = 1
