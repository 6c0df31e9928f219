{{ config(
    incremental=true,
    unique_key=['episode_key'],
    touched_key=['session_key'],
    touched_sql="select session_key from {{ touched(ref('fct_score_components')) }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key'],
    tags=['scope:shard'],
) }}

with components as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        value,
        -- In millionths: sums of whole numbers do not depend on their order.
        cast(round(1000000 * weight) as bigint) as weight_millionths,
        cast(round(1000000 * weight * value) as bigint) as value_millionths
    from {{ part_of(ref('fct_score_components'), touched(ref('fct_score_components'))) }}
    {% if is_incremental() %}
    where session_key in (select session_key from {{ touched(ref('fct_score_components')) }})
    {% endif %}

),

added as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        cast(sum(weight_millionths) as bigint) as weight_millionths,
        cast(sum(case when value is not null then weight_millionths else 0 end) as bigint) as known_millionths,
        cast(coalesce(sum(value_millionths), 0) as bigint) as value_millionths
    from components
    group by episode_key, session_key, session_started_on, session_started_at

)

select
    episode_key,
    session_key,
    session_started_on,
    session_started_at,
    round(cast(value_millionths as double) / nullif(known_millionths, 0), 6) as raw_score,
    round(cast(known_millionths as double) / nullif(weight_millionths, 0), 6) as confidence
from added
