{{ config(materialized='view', tags=['scope:shard']) }}

select
    record_key,
    block_index,
    session_key,
    load_seq,
    placed_on,
    placed_at,
    {{ json_text('tool_input', '$.command') }} as shell_text
from {{ ref('stg_claude__content_blocks') }}
where block_type = 'tool_use' and lower(tool_name) in ('bash', 'shell')
