{{ config(materialized='view', tags=['scope:shard']) }}

with records as (

    select * from {{ ref('stg_claude__records') }}

),

progress as (

    select * from {{ ref('stg_claude__agent_progress') }}

),

from_files as (

    select
        'claude' as harness,
        town_id,
        session_key,
        session_id,
        not session_id like 'file:%' as has_session_id,
        record_key,
        load_seq,
        placed_on,
        placed_at,
        'file' as source,
        file_id,
        file_kind,
        generation,
        byte_offset,
        record_hash,
        uuid as entry_id,
        -- Ids that are no UUIDs are only unique inside their session.
        case when length(uuid) >= 32 then uuid end as shared_id,
        coalesce(parent_uuid, logical_parent_uuid) as parent_id,
        agent_id,
        is_sidechain,
        case
            when record_type in ('user', 'assistant', 'system', 'attachment') then 'message'
            when record_type = 'progress' then 'progress'
            else 'metadata'
        end as entry_kind,
        record_type as entry_type,
        record_subtype as entry_subtype,
        case
            when record_type = 'attachment' then 'user'
            when record_type in ('user', 'assistant', 'system') then record_type
        end as role,
        case
            when is_compact_summary then 'compact_summary'
            when record_type = 'attachment' and record_subtype like 'hook%' then 'hook'
            when record_type = 'attachment' and record_subtype <> 'queued_command' then 'attachment'
            when is_meta then 'meta'
        end as injection_hint,
        coalesce(record_type = 'system' and record_subtype = 'compact_boundary', false) as is_compaction,
        compact_trigger as compaction_trigger,
        compact_pre_tokens as compaction_pre_tokens,
        message_id as response_id,
        request_id,
        model,
        stop_reason,
        input_tokens,
        output_tokens,
        cache_creation_tokens,
        cache_read_tokens,
        is_usage_unreadable,
        is_api_error,
        source_tool_use_id as source_call_id,
        result_agent_id,
        is_result_interrupted,
        hook_event,
        hook_name,
        is_marked_fork,
        version,
        git_branch,
        root_path,
        recorded_at
    from records

),

from_progress as (

    select
        'claude' as harness,
        town_id,
        session_key,
        session_id,
        true as has_session_id,
        record_key,
        load_seq,
        placed_on,
        placed_at,
        'embedded' as source,
        file_id,
        file_kind,
        generation,
        byte_offset,
        cast(null as varchar) as record_hash,
        embedded_uuid as entry_id,
        cast(null as varchar) as shared_id,
        cast(null as varchar) as parent_id,
        agent_id,
        true as is_sidechain,
        'message' as entry_kind,
        message_type as entry_type,
        'embedded' as entry_subtype,
        message_type as role,
        cast(null as varchar) as injection_hint,
        false as is_compaction,
        cast(null as varchar) as compaction_trigger,
        cast(null as bigint) as compaction_pre_tokens,
        message_id as response_id,
        request_id,
        model,
        stop_reason,
        input_tokens,
        output_tokens,
        cache_creation_tokens,
        cache_read_tokens,
        is_usage_unreadable,
        false as is_api_error,
        parent_tool_use_id as source_call_id,
        cast(null as varchar) as result_agent_id,
        false as is_result_interrupted,
        cast(null as varchar) as hook_event,
        cast(null as varchar) as hook_name,
        false as is_marked_fork,
        version,
        git_branch,
        root_path,
        recorded_at
    from progress
    -- A progress record that reports no message embeds nothing; the record itself is in `records`.
    where message_type in ('user', 'assistant')

)

select * from from_files
union all
select * from from_progress
