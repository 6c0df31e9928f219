{{ config(
    materialized='delta',
    incremental=true,
    unique_key=['beads_project_id', 'completion_id'],
    touched_key=['beads_project_id', 'completion_id'],
    order_by=['completed_at_as_recorded', 'beads_project_id', 'completion_id'],
    statistics=['beads_project_id', 'completion_id', 'stamp_id', 'completed_at_as_recorded'],
    tags=['scope:global']
) }}

{% set texts = ['wanted_id', 'completed_by', 'evidence', 'validated_by', 'stamp_id'] %}
{% set columns = ['beads_project_id', 'completion_id'] + texts + ['completed_at_as_recorded', 'is_withdrawn', 'source',
    'observed_at', 'record_hash'] %}

with new_completions as (

    select
        *,
        {{ json_to_struct('record', text_shape(texts + ['completed_at'])) }} as fields
    from {{ source('raw', 'beads_rows') }}
    where table_name = 'completions' and {{ new_rows() }}

),

typed as (

    select
        beads_project_id,
        row_key as completion_id,
        {% for name in texts %}nullif(fields.{{ name }}, '') as {{ name }},
        {% endfor %}
        {{ to_timestamp_utc('fields.completed_at') }} as completed_at_as_recorded,
        change <> 'upsert' as is_withdrawn,
        source,
        observed_at,
        record_hash
    from new_completions

),

copies as (

    {{ with_known_rows('typed', columns, ['beads_project_id', 'completion_id']) }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by beads_project_id, completion_id
            order by observed_at desc, is_withdrawn, source, record_hash
        ) as copy_number
    from copies

)

select
    {{ columns | join(',\n    ') }}
from ranked
where copy_number = 1
