-- Who worked, and how much of what they were told came from machinery rather than from a person?
select
    sessions.role,
    count(*) as sessions,
    round(avg(sessions.identity_confidence), 2) as confidence,
    cast(sum(sessions.assistant_message_count) as bigint) as answers,
    cast(sum(sessions.human_message_count) as bigint) as typed,
    cast(sum(sessions.injected_message_count) as bigint) as injected
from dim_sessions as sessions
group by sessions.role
order by sessions desc, sessions.role;

-- Which tools fail, and how long do they take?
select
    calls.tool_name as tool,
    count(*) as calls,
    round(100.0 * count(case when calls.is_error then 1 end) / count(*), 1) as failed_percent,
    round(avg(calls.duration_seconds), 1) as mean_seconds
from fct_tool_calls as calls
where calls.is_on_live_path and not calls.is_fork_copy
group by calls.tool_name
order by calls desc, tool
limit 8;

-- What was used, every API response counted once?
select
    usage.model,
    cast(sum(usage.response_count) as bigint) as responses,
    cast(sum(usage.input_tokens + usage.cache_creation_tokens) as bigint) as new_tokens_read,
    cast(sum(usage.cache_read_tokens) as bigint) as cached_tokens_read,
    cast(sum(usage.trusted_output_tokens) as bigint) as tokens_written
from fct_session_usage as usage
group by usage.model
order by responses desc;
