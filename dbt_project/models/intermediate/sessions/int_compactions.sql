{{ config(
    incremental=true,
    unique_key=['message_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'message_number'],
    statistics=['session_key', 'message_key', 'session_started_on', 'session_started_at', 'recorded_at'],
    rows_per_file=500,
    tags=['scope:shard'],
) }}

with messages as (

    select
        session_key,
        session_started_on,
        session_started_at,
        message_key,
        message_number,
        agent_key,
        context_segment,
        compaction_trigger,
        compaction_pre_tokens,
        injection_kind,
        is_compaction,
        is_on_live_path,
        is_fork_copy,
        recorded_at
    from {{ touched_part(ref('int_messages')) }}
    where (is_compaction or injection_kind = 'compact_summary') and {{ of_touched_sessions() }}

),

followed as (

    select
        *,
        lead(case when injection_kind = 'compact_summary' then message_key end) over (
            partition by session_key, agent_key order by message_number
        ) as summary_message_key
    from messages

)

select
    message_key,
    session_key,
    session_started_on,
    session_started_at,
    message_number,
    agent_key,
    context_segment,
    compaction_trigger,
    compaction_pre_tokens,
    summary_message_key,
    is_on_live_path,
    is_fork_copy,
    recorded_at
from followed
where is_compaction
