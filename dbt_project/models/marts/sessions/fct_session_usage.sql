{{ config(
    incremental=true,
    unique_key=['session_key', 'model'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'model'],
    statistics=['session_key', 'session_started_on', 'session_started_at'],
    rows_per_file=500,
    tags=['scope:shard'],
) }}

with responses as (

    select
        session_key,
        session_started_on,
        session_started_at,
        coalesce(model, 'unknown') as model,
        input_tokens,
        output_tokens,
        trusted_output_tokens,
        cache_creation_tokens,
        cache_read_tokens,
        is_output_placeholder,
        is_subagent,
        is_fork_copy,
        is_api_error
    from {{ touched_part(ref('int_api_responses')) }}
    where {{ of_touched_sessions() }}

),

-- What was copied from another session was paid for there: it is counted, not summed.
summed as (

    select
        session_key,
        session_started_on,
        session_started_at,
        model,
        cast(count(case when not is_fork_copy then 1 end) as bigint) as response_count,
        cast(count(case when is_fork_copy then 1 end) as bigint) as fork_copy_response_count,
        cast(count(case when not is_fork_copy and is_subagent then 1 end) as bigint) as subagent_response_count,
        cast(count(case when not is_fork_copy and is_api_error then 1 end) as bigint) as api_error_count,
        cast(count(case when not is_fork_copy and is_output_placeholder then 1 end) as bigint) as placeholder_response_count,
        cast(coalesce(sum(case when not is_fork_copy then input_tokens end), 0) as bigint) as input_tokens,
        cast(coalesce(sum(case when not is_fork_copy then cache_creation_tokens end), 0) as bigint) as cache_creation_tokens,
        cast(coalesce(sum(case when not is_fork_copy then cache_read_tokens end), 0) as bigint) as cache_read_tokens,
        cast(coalesce(sum(case when not is_fork_copy then output_tokens end), 0) as bigint) as output_tokens,
        cast(coalesce(sum(case when not is_fork_copy then trusted_output_tokens end), 0) as bigint) as trusted_output_tokens
    from responses
    group by session_key, session_started_on, session_started_at, model

)

select
    session_key,
    session_started_on,
    session_started_at,
    model,
    response_count,
    fork_copy_response_count,
    subagent_response_count,
    api_error_count,
    placeholder_response_count,
    input_tokens,
    cache_creation_tokens,
    cache_read_tokens,
    output_tokens,
    trusted_output_tokens
from summed
