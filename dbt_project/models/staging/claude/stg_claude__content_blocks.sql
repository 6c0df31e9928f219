{{ config(
    materialized='delta',
    incremental=true,
    unique_key=['record_key', 'block_index'],
    order_by=['session_key[:6]', 'placed_at', 'session_key'],
    statistics=['session_key', 'load_seq', 'placed_on', 'placed_at'],
    rows_per_file=20000,
    tags=['scope:shard'],
) }}

{{ claude_keyed_records(
    ['record_type', 'record'],
    "record_type in ('user', 'assistant', 'system', 'attachment', 'progress')"
    ~ " and (record_type <> 'progress' or record_subtype = 'agent_progress')"
) }},

parsed as (

    select
        *,
        {{ json_to_struct('record', {
            'content': 'JSON',
            'message': {'content': 'JSON'},
            'attachment': {'content': 'JSON', 'stdout': 'JSON', 'prompt': 'JSON'},
            'data': {'message': {'message': {'content': 'JSON'}}},
        }) }} as fields
    from source

),

contents as (

    select
        session_key,
        load_seq,
        placed_on,
        placed_at,
        record_type,
        -- The copy of a sub-agent's message inside a progress record is a record of its own.
        case
            when record_type = 'progress' then concat(record_key, ':embedded')
            else record_key
        end as record_key,
        case
            when record_type = 'progress' then fields.data.message.message.content
            when record_type = 'system' then fields.content
            when record_type = 'attachment' and fields.attachment.content <> concat(chr(34), chr(34)) then fields.attachment.content
            when record_type = 'attachment' then coalesce(fields.attachment.prompt, fields.attachment.stdout)
            when fields.message.content is not null then fields.message.content
            else {{ json_part("record", "$.message") }}
        end as content
    from parsed

),

listed as (

    select
        session_key,
        load_seq,
        placed_on,
        placed_at,
        record_type,
        record_key,
        {{ json_items('content') }} as blocks
    from contents
    where content is not null

),

elements as (

    {{ unnest_indexed('listed', 'blocks', ['session_key', 'load_seq', 'placed_on', 'placed_at', 'record_type', 'record_key']) }}

),

parts as (

    select
        session_key,
        load_seq,
        placed_on,
        placed_at,
        record_type,
        record_key,
        element_index as block_index,
        element,
        ascii(element) = 123 as is_object,
        {{ json_to_struct('element', {
            'type': 'VARCHAR',
            'text': 'VARCHAR',
            'thinking': 'VARCHAR',
            'id': 'VARCHAR',
            'name': 'VARCHAR',
            'input': 'JSON',
            'tool_use_id': 'VARCHAR',
            'is_error': 'BOOLEAN',
            'content': 'JSON',
        }) }} as part
    from elements

),

typed as (

    select
        record_key,
        block_index,
        session_key,
        load_seq,
        placed_on,
        placed_at,
        record_type,
        case
            when is_object then coalesce(part.type, 'unknown')
            when ascii(element) = 34 then 'text'
            else 'unknown'
        end as block_type,
        case
            when not is_object then {{ json_text('element', '$') }}
            when part.type = 'thinking' then part.thinking
            when part.type = 'tool_result' then {{ json_joined_texts('part.content') }}
            else part.text
        end as text,
        case when part.type = 'tool_result' then part.tool_use_id else part.id end as tool_use_id,
        part.name as tool_name,
        case when part.type in ('tool_use', 'server_tool_use') then part.input end as tool_input,
        case
            when part.name in ('Task', 'Agent') and part.type = 'tool_use' then {{ json_text('part.input', '$.prompt') }}
        end as agent_prompt,
        case
            when part.name in ('Task', 'Agent') and part.type = 'tool_use' then {{ json_text('part.input', '$.subagent_type') }}
        end as agent_type,
        coalesce(part.is_error, false) as is_error,
        coalesce(
            part.type = 'image'
            or (
                part.type = 'tool_result'
                and ascii(part.content) = 91
                and part.content like concat('%', chr(34), 'image', chr(34), '%')
            ),
            false
        ) as has_image
    from parts
    where element <> 'null'

),

described as (

    select
        record_key,
        block_index,
        session_key,
        load_seq,
        placed_on,
        placed_at,
        block_type,
        tool_use_id,
        tool_name,
        cast(tool_input as varchar) as tool_input,
        agent_type,
        {{ text_hash('agent_prompt') }} as agent_prompt_hash,
        text,
        case when block_type = 'text' and record_type <> 'assistant' then left(trim(text), 400) end as text_head,
        case when block_type = 'text' and record_type <> 'assistant' then {{ text_hash('text') }} end as text_hash,
        is_error,
        has_image,
        cast(length(text) as bigint) as text_characters,
        cast(length(tool_input) as bigint) as tool_input_characters
    from typed

)

select
    *,
    {{ claude_injection_kind('text_head') }} as injection_kind
from described
