{{ config(
    materialized='delta',
    incremental=true,
    unique_key=['beads_project_id', 'interaction_id'],
    touched_key=['beads_project_id', 'interaction_id'],
    order_by=['created_at_as_recorded', 'beads_project_id', 'interaction_id'],
    statistics=['beads_project_id', 'interaction_id', 'bead_id', 'created_at_as_recorded'],
    tags=['scope:global']
) }}

{% set texts = ['kind', 'actor', 'model', 'prompt', 'response', 'error', 'tool_name', 'parent_id', 'label', 'reason', 'extra'] %}
{% set names = ['issue_id', 'exit_code', 'created_at'] + texts %}
{% set columns = ['beads_project_id', 'interaction_id', 'bead_id'] + texts + ['exit_code', 'created_at_as_recorded', 'source',
    'observed_at', 'record_hash'] %}

with new_interactions as (

    select
        *,
        {{ json_to_struct('record', text_shape(names)) }} as fields
    from {{ source('raw', 'beads_rows') }}
    where table_name = 'interactions' and change = 'upsert' and {{ new_rows() }}

),

typed as (

    select
        beads_project_id,
        row_key as interaction_id,
        nullif(fields.issue_id, '') as bead_id,
        {% for name in texts %}nullif(fields.{{ name }}, '') as {{ name }},
        {% endfor %}
        {{ to_bigint('fields.exit_code') }} as exit_code,
        {{ to_timestamp_utc('fields.created_at') }} as created_at_as_recorded,
        source,
        observed_at,
        record_hash
    from new_interactions

),

copies as (

    {{ with_known_rows('typed', columns, ['beads_project_id', 'interaction_id']) }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by beads_project_id, interaction_id
            order by observed_at desc, source, record_hash
        ) as copy_number
    from copies

)

select
    {{ columns | join(',\n    ') }}
from ranked
where copy_number = 1
