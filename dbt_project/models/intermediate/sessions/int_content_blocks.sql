{{ config(materialized='view', tags=['scope:shard']) }}

select
    messages.message_key,
    blocks.block_index,
    messages.session_key,
    messages.session_started_on,
    messages.session_started_at,
    messages.message_number,
    messages.agent_key,
    messages.role,
    messages.response_key,
    blocks.block_type,
    blocks.injection_kind,
    blocks.tool_use_id as call_id,
    blocks.tool_name,
    blocks.tool_input,
    blocks.agent_type,
    blocks.agent_prompt_hash,
    blocks.text,
    blocks.text_characters,
    blocks.tool_input_characters,
    blocks.is_error,
    blocks.has_image,
    messages.recorded_at
from {{ ref('int_messages') }} as messages
inner join {{ ref('stg_claude__content_blocks') }} as blocks
    on messages.session_key = blocks.session_key and messages.record_key = blocks.record_key
