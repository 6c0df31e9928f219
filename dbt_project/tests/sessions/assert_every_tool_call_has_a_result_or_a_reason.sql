-- Calls are as many as the messages say; each has one result or the reason why it has none; no result answers two calls.
with calls as (

    select
        session_key,
        tool_call_key,
        result_message_key,
        call_id,
        missing_result_reason,
        has_result
    from {{ written(ref('fct_tool_calls')) }} as calls
    where {{ touched_rows(ref('fct_tool_calls'), 'calls') }}

),

results as (

    select
        session_key,
        result_record_key,
        result_block_index
    from {{ written(ref('int_tool_calls_paired')) }} as pairs
    where has_result and {{ touched_rows(ref('int_tool_calls_paired'), 'pairs') }}

),

announced as (

    select
        session_key,
        cast(sum(tool_call_count) as bigint) as call_count
    from {{ written(ref('int_messages')) }} as messages
    where {{ touched_rows(ref('int_messages'), 'messages') }}
    group by session_key

),

found as (

    select
        session_key,
        count(*) as call_count
    from calls
    group by session_key

)

select
    announced.session_key,
    'its messages announce another number of calls' as problem
from announced
left join found on announced.session_key = found.session_key
where announced.call_count <> coalesce(found.call_count, 0)
union all
select
    session_key,
    'neither result nor reason, or both' as problem
from calls
where has_result = (missing_result_reason is not null)
union all
select
    session_key,
    'one result answers two calls' as problem
from results
group by session_key, result_record_key, result_block_index
having count(*) > 1
