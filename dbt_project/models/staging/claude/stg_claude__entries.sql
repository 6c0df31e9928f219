{{ config(materialized='view', tags=['scope:shard']) }}

{{ claude_entries(ref('stg_claude__records'), ref('stg_claude__agent_progress')) }}
