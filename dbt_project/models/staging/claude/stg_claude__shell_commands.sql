{{ config(materialized='view', tags=['scope:shard']) }}

{{ claude_shell_commands(ref('stg_claude__content_blocks')) }}
