{{ config(
    materialized='delta',
    incremental=true,
    unique_key=['record_key'],
    order_by=['session_key[:6]', 'placed_at', 'session_key', 'file_id', 'generation', 'byte_offset'],
    statistics=['session_key', 'load_seq', 'placed_on', 'placed_at', 'recorded_at'],
    tags=['scope:shard'],
) }}

{{ claude_keyed_records([
    'town_id', 'attribution', 'file_id', 'generation', 'byte_offset', 'byte_length', 'file_kind', 'session_id', 'record_type',
    'record_subtype', 'uuid', 'parent_uuid', 'is_sidechain', 'recorded_at', 'root_path', 'message_id', 'request_id', 'record',
    'record_hash',
]) }},

parsed as (

    select
        *,
        {{ json_to_struct('record', {
            'gitBranch': 'VARCHAR',
            'version': 'VARCHAR',
            'isMeta': 'BOOLEAN',
            'isCompactSummary': 'BOOLEAN',
            'isApiErrorMessage': 'BOOLEAN',
            'logicalParentUuid': 'VARCHAR',
            'leafUuid': 'VARCHAR',
            'summary': 'VARCHAR',
            'level': 'VARCHAR',
            'operation': 'VARCHAR',
            'sourceToolUseID': 'VARCHAR',
            'toolUseID': 'VARCHAR',
            'parentToolUseID': 'VARCHAR',
            'content': 'JSON',
            'forkedFrom': 'JSON',
            'snapshot': {'timestamp': 'VARCHAR'},
            'toolUseResult': {'interrupted': 'BOOLEAN', 'agentId': 'VARCHAR'},
            'compactMetadata': {'trigger': 'VARCHAR', 'preTokens': 'VARCHAR'},
            'attachment': {
                'hookEvent': 'VARCHAR',
                'hookName': 'VARCHAR',
                'stdout': 'VARCHAR',
            },
            'data': {
                'hookEvent': 'VARCHAR',
                'hookName': 'VARCHAR',
                'stdout': 'VARCHAR',
            },
            'message': {
                'role': 'VARCHAR',
                'model': 'VARCHAR',
                'stop_reason': 'VARCHAR',
                'usage': {
                    'input_tokens': 'VARCHAR',
                    'output_tokens': 'VARCHAR',
                    'cache_creation_input_tokens': 'VARCHAR',
                    'cache_read_input_tokens': 'VARCHAR',
                },
                'content': 'JSON',
            },
        }) }} as fields
    from source

),

kinds as (

    select
        *,
        case
            when fields.message.content is not null then ascii(fields.message.content)
            when fields.content is not null then ascii(fields.content)
            -- Seen in the wild: the message itself is the text, or the list of blocks.
            when record_type in ('user', 'assistant')
                then case {{ json_type('record', '$.message') }} when 'string' then 34 when 'array' then 91 end
        end as content_start
    from parsed

),

typed as (

    select
        record_key,
        session_key,
        own_session_id as session_id,
        town_id,
        attribution,
        own_agent_id as agent_id,
        file_id,
        generation,
        byte_offset,
        byte_length,
        load_seq,
        placed_on,
        placed_at,
        file_kind,
        record_type,
        record_subtype,
        record_hash,
        uuid,
        parent_uuid,
        fields.logicalparentuuid as logical_parent_uuid,
        fields.leafuuid as leaf_uuid,
        message_id,
        request_id,
        coalesce(fields.sourcetooluseid, fields.parenttooluseid, fields.tooluseid) as source_tool_use_id,
        fields.message.role as role,
        fields.message.model as model,
        fields.message.stop_reason as stop_reason,
        fields.gitbranch as git_branch,
        fields.version as version,
        root_path,
        fields.level as level,
        fields.operation as operation,
        fields.summary as summary,
        coalesce(fields.attachment.hookevent, fields.data.hookevent) as hook_event,
        coalesce(fields.attachment.hookname, fields.data.hookname) as hook_name,
        coalesce(fields.attachment.stdout, fields.data.stdout) as hook_stdout,
        fields.compactmetadata.trigger as compact_trigger,
        case content_start
            when 91 then 'list'
            when 34 then 'string'
            when 110 then 'none'
            else case when content_start is null then 'none' else 'other' end
        end as content_kind,
        fields.tooluseresult.agentid as result_agent_id,
        coalesce(fields.tooluseresult.interrupted, false) as is_result_interrupted,
        coalesce(is_sidechain, false) as is_sidechain,
        coalesce(fields.ismeta, false) as is_meta,
        coalesce(fields.iscompactsummary, false) as is_compact_summary,
        coalesce(fields.isapierrormessage, false) as is_api_error,
        session_id is null as is_session_id_from_path,
        fields.forkedfrom is not null as is_marked_fork,
        {{ is_unreadable_usage('fields.message.usage') }} as is_usage_unreadable,
        {{ token_count_of('fields.message.usage.input_tokens') }} as input_tokens,
        {{ token_count_of('fields.message.usage.output_tokens') }} as output_tokens,
        {{ token_count_of('fields.message.usage.cache_creation_input_tokens') }} as cache_creation_tokens,
        {{ token_count_of('fields.message.usage.cache_read_input_tokens') }} as cache_read_tokens,
        {{ token_count_of('fields.compactmetadata.pretokens') }} as compact_pre_tokens,
        coalesce(recorded_at, {{ to_timestamp_utc('fields.snapshot.timestamp') }}) as recorded_at
    from kinds

)

select * from typed
