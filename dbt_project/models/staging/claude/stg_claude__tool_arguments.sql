{{ config(materialized='view', tags=['scope:shard']) }}

{{ claude_tool_arguments(ref('stg_claude__content_blocks')) }}
