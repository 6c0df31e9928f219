-- A response's usage is repeated by each of its messages and by every copy of its session; sums hold it once.
with responses as (

    select
        session_key,
        response_id,
        request_id,
        output_tokens,
        input_tokens,
        is_fork_copy
    from {{ written(ref('int_api_responses')) }} as responses
    where {{ touched_rows(ref('int_api_responses'), 'responses') }}

),

repeated as (

    select session_key
    from responses
    where request_id is not null and response_id is not null
    group by session_key, response_id, request_id
    having count(*) > 1

),

single as (

    select
        session_key,
        cast(sum(case when is_fork_copy then 0 else coalesce(output_tokens, 0) end) as bigint) as output_tokens,
        cast(sum(case when is_fork_copy then 0 else coalesce(input_tokens, 0) end) as bigint) as input_tokens
    from responses
    group by session_key

),

summed as (

    select
        session_key,
        cast(sum(output_tokens) as bigint) as output_tokens,
        cast(sum(input_tokens) as bigint) as input_tokens
    from {{ written(ref('fct_session_usage')) }} as usages
    where {{ touched_rows(ref('fct_session_usage'), 'usages') }}
    group by session_key

),

different as (

    select single.session_key
    from single
    left join summed on single.session_key = summed.session_key
    where
        summed.session_key is null
        or single.output_tokens <> summed.output_tokens
        or single.input_tokens <> summed.input_tokens

)

select
    session_key,
    'one response twice in a session' as problem
from repeated
union all
select
    session_key,
    'the sum is not that of the responses' as problem
from different
