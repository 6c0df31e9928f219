{{ config(
    materialized='delta',
    incremental=true,
    unique_key=['record_key'],
    order_by=['session_key[:6]', 'placed_at', 'session_key', 'file_id', 'generation', 'byte_offset'],
    statistics=['session_key', 'load_seq', 'placed_on', 'placed_at', 'recorded_at'],
    tags=['scope:shard'],
) }}

{{ claude_keyed_records(
    ['town_id', 'file_id', 'file_kind', 'generation', 'byte_offset', 'uuid', 'recorded_at', 'root_path', 'record'],
    "record_type = 'progress' and record_subtype = 'agent_progress'"
) }},

parsed as (

    select
        *,
        {{ json_to_struct('record', {
            'gitBranch': 'VARCHAR',
            'version': 'VARCHAR',
            'parentToolUseID': 'VARCHAR',
            'data': {
                'agentId': 'VARCHAR',
                'message': {
                    'uuid': 'VARCHAR',
                    'type': 'VARCHAR',
                    'timestamp': 'VARCHAR',
                    'requestId': 'VARCHAR',
                    'message': {
                        'id': 'VARCHAR',
                        'role': 'VARCHAR',
                        'model': 'VARCHAR',
                        'stop_reason': 'VARCHAR',
                        'usage': {
                            'input_tokens': 'VARCHAR',
                            'output_tokens': 'VARCHAR',
                            'cache_creation_input_tokens': 'VARCHAR',
                            'cache_read_input_tokens': 'VARCHAR',
                        },
                    },
                },
            },
        }) }} as fields
    from source

),

typed as (

    select
        concat(record_key, ':embedded') as record_key,
        record_key as progress_record_key,
        session_key,
        own_session_id as session_id,
        town_id,
        coalesce(fields.data.agentid, 'unknown') as agent_id,
        own_agent_id as parent_agent_id,
        file_id,
        file_kind,
        generation,
        byte_offset,
        load_seq,
        placed_on,
        placed_at,
        uuid as progress_uuid,
        fields.data.message.uuid as embedded_uuid,
        fields.data.message.message.id as message_id,
        fields.data.message.requestid as request_id,
        fields.parenttooluseid as parent_tool_use_id,
        fields.data.message.type as message_type,
        fields.data.message.message.role as role,
        fields.data.message.message.model as model,
        fields.data.message.message.stop_reason as stop_reason,
        fields.gitbranch as git_branch,
        fields.version as version,
        root_path,
        {{ is_unreadable_usage('fields.data.message.message.usage') }} as is_usage_unreadable,
        {{ token_count_of('fields.data.message.message.usage.input_tokens') }} as input_tokens,
        {{ token_count_of('fields.data.message.message.usage.output_tokens') }} as output_tokens,
        {{ token_count_of('fields.data.message.message.usage.cache_creation_input_tokens') }} as cache_creation_tokens,
        {{ token_count_of('fields.data.message.message.usage.cache_read_input_tokens') }} as cache_read_tokens,
        coalesce({{ to_timestamp_utc('fields.data.message.timestamp') }}, recorded_at) as recorded_at
    from parsed

)

select * from typed
