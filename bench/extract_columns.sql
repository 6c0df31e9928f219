-- The peer of `dbt build`: one query that takes the columns of the stg_claude__* models out of the raw records, and nothing else.
-- Records and embedded sub-agent messages become columns, content blocks become a list of structs, written as zstd-3 Parquet.
-- :raw is the table's folder, :out the file to write.
copy (
    with source as (
        select
            *,
            json_transform(record, '{
                "gitBranch": "VARCHAR", "version": "VARCHAR", "isMeta": "BOOLEAN", "isCompactSummary": "BOOLEAN",
                "isApiErrorMessage": "BOOLEAN", "logicalParentUuid": "VARCHAR", "leafUuid": "VARCHAR", "summary": "VARCHAR",
                "level": "VARCHAR", "operation": "VARCHAR", "sourceToolUseID": "VARCHAR", "toolUseID": "VARCHAR",
                "parentToolUseID": "VARCHAR", "content": "JSON", "forkedFrom": "JSON",
                "snapshot": {"timestamp": "VARCHAR"},
                "toolUseResult": {"interrupted": "BOOLEAN", "agentId": "VARCHAR"},
                "compactMetadata": {"trigger": "VARCHAR", "preTokens": "VARCHAR"},
                "attachment": {"hookEvent": "VARCHAR", "hookName": "VARCHAR", "stdout": "VARCHAR", "content": "JSON", "prompt": "JSON"},
                "data": {"hookEvent": "VARCHAR", "hookName": "VARCHAR", "agentId": "VARCHAR", "message": {
                    "uuid": "VARCHAR", "type": "VARCHAR", "timestamp": "VARCHAR", "requestId": "VARCHAR", "message": {
                        "id": "VARCHAR", "role": "VARCHAR", "model": "VARCHAR", "stop_reason": "VARCHAR", "content": "JSON",
                        "usage": {"input_tokens": "BIGINT", "output_tokens": "BIGINT",
                                  "cache_creation_input_tokens": "BIGINT", "cache_read_input_tokens": "BIGINT"}}}},
                "message": {"role": "VARCHAR", "model": "VARCHAR", "stop_reason": "VARCHAR", "content": "JSON",
                    "usage": {"input_tokens": "BIGINT", "output_tokens": "BIGINT",
                              "cache_creation_input_tokens": "BIGINT", "cache_read_input_tokens": "BIGINT"}}
            }') as fields
        from delta_scan(':raw')
    ),

    contents as (
        select
            *,
            coalesce(
                fields.message.content, fields.data.message.message.content, fields.content,
                fields.attachment.content, fields.attachment.prompt
            ) as content
        from source
    )

    select
        town_id, attribution, file_id, generation, byte_offset, byte_length, file_kind, session_id, record_type, record_subtype,
        record_hash, uuid, parent_uuid, message_id, request_id, root_path, is_sidechain, recorded_at, agent_id,
        fields.gitbranch, fields.version, fields.ismeta, fields.iscompactsummary, fields.isapierrormessage,
        fields.logicalparentuuid, fields.leafuuid, fields.summary, fields.level, fields.operation,
        coalesce(fields.sourcetooluseid, fields.parenttooluseid, fields.tooluseid) as source_tool_use_id,
        fields.forkedfrom is not null as is_marked_fork,
        fields.snapshot.timestamp as snapshot_at, fields.tooluseresult, fields.compactmetadata,
        fields.attachment.hookevent, fields.attachment.hookname, fields.attachment.stdout,
        fields.message.role, fields.message.model, fields.message.stop_reason, fields.message.usage,
        fields.data.agentid as embedded_agent_id, fields.data.message.uuid as embedded_uuid, fields.data.message.type as embedded_type,
        fields.data.message.timestamp as embedded_at, fields.data.message.requestid as embedded_request_id,
        fields.data.message.message.id as embedded_message_id, fields.data.message.message.model as embedded_model,
        fields.data.message.message.stop_reason as embedded_stop_reason, fields.data.message.message.usage as embedded_usage,
        case when ascii(content) = 34 then json_extract_string(content, '$') end as text,
        case when ascii(content) = 91 then json_transform(content, '[{
            "type": "VARCHAR", "text": "VARCHAR", "thinking": "VARCHAR", "id": "VARCHAR", "name": "VARCHAR", "input": "JSON",
            "tool_use_id": "VARCHAR", "is_error": "BOOLEAN", "content": "JSON"
        }]') end as blocks
    from contents
) to ':out' (format parquet, compression zstd, compression_level 3)
