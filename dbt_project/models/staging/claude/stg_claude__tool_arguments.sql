{{ config(materialized='view', tags=['scope:shard']) }}

with calls as (

    select
        record_key,
        block_index,
        session_key,
        load_seq,
        placed_on,
        placed_at,
        tool_input,
        {{ json_to_struct('tool_input', {
            'file_path': 'VARCHAR',
            'notebook_path': 'VARCHAR',
            'old_string': 'VARCHAR',
            'new_string': 'VARCHAR',
            'command': 'VARCHAR',
        }) }} as arguments
    from {{ ref('stg_claude__content_blocks') }}
    where block_type = 'tool_use'

)

select
    record_key,
    block_index,
    session_key,
    load_seq,
    placed_on,
    placed_at,
    {{ text_hash('tool_input') }} as arguments_hash,
    {{ text_hash('coalesce(arguments.file_path, arguments.notebook_path)') }} as file_path_hash,
    {{ text_hash('arguments.old_string') }} as old_text_hash,
    {{ text_hash('arguments.new_string') }} as new_text_hash,
    -- `cd x && make test` runs make: what leads there says nothing about what is run.
    {{ regex_group("trim(arguments.command)", '^(?:cd [^&;]*(?:&&|;) *)?([A-Za-z0-9_./-]+)') }} as program
from calls
