{{ config(
    materialized='delta',
    incremental=true,
    unique_key=['beads_project_id', 'stamp_id'],
    touched_key=['beads_project_id', 'stamp_id'],
    order_by=['created_at_as_recorded', 'beads_project_id', 'stamp_id'],
    statistics=['beads_project_id', 'stamp_id', 'created_at_as_recorded'],
    tags=['scope:global']
) }}

{% set texts = ['author', 'subject', 'valence', 'severity', 'skill_tags', 'message', 'context_id', 'context_type'] %}
{% set columns = ['beads_project_id', 'stamp_id'] + texts + ['mean_points', 'confidence', 'created_at_as_recorded', 'is_withdrawn',
    'source', 'observed_at', 'record_hash'] %}

with new_stamps as (

    select
        *,
        {{ json_to_struct('record', text_shape(texts + ['confidence', 'created_at'])) }} as fields
    from {{ source('raw', 'beads_rows') }}
    where table_name = 'stamps' and {{ new_rows() }}

),

judged as (

    select
        *,
        {{ json_to_struct('fields.valence', {'quality': 'DOUBLE', 'reliability': 'DOUBLE', 'creativity': 'DOUBLE'}) }} as points
    from new_stamps

),

typed as (

    select
        beads_project_id,
        row_key as stamp_id,
        {% for name in texts %}nullif(fields.{{ name }}, '') as {{ name }},
        {% endfor %}
        {{ to_double('fields.confidence') }} as confidence,
        (coalesce(points.quality, 0) + coalesce(points.reliability, 0) + coalesce(points.creativity, 0))
        / nullif(
            case when points.quality is null then 0 else 1 end
            + case when points.reliability is null then 0 else 1 end
            + case when points.creativity is null then 0 else 1 end, 0
        ) as mean_points,
        {{ to_timestamp_utc('fields.created_at') }} as created_at_as_recorded,
        -- Unlike an event, a judgement that was taken back no longer holds.
        change <> 'upsert' as is_withdrawn,
        source,
        observed_at,
        record_hash
    from judged

),

copies as (

    {{ with_known_rows('typed', columns, ['beads_project_id', 'stamp_id']) }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by beads_project_id, stamp_id
            order by observed_at desc, is_withdrawn, source, record_hash
        ) as copy_number
    from copies

)

select
    {{ columns | join(',\n    ') }}
from ranked
where copy_number = 1
