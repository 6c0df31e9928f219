{{ config(
    incremental=false,
    unique_key=['town_id', 'role_family', 'month_started_on'],
    order_by=['month_started_on', 'town_id', 'role_family'],
    statistics=['town_id', 'month_started_on'],
    tags=['scope:shard'],
) }}

with scored as (

    select
        episodes.town_id,
        episodes.role_family,
        {{ month_of('episodes.started_at') }} as month_started_on,
        cast(round(1000000 * scores.raw_score) as bigint) as raw_millionths
    from {{ ref('int_episode_raw_scores') }} as scores
    inner join {{ ref('fct_episodes') }} as episodes on scores.episode_key = episodes.episode_key
    where scores.raw_score is not null and episodes.town_id is not null and episodes.started_at is not null

),

added as (

    select
        town_id,
        role_family,
        month_started_on,
        cast(count(*) as bigint) as episode_count,
        cast(sum(raw_millionths) as bigint) as raw_millionths
    from scored
    group by town_id, role_family, month_started_on

)

select
    town_id,
    role_family,
    month_started_on,
    episode_count,
    -- To a hundredth: a late episode among many leaves the scores of the next month alone.
    round(
        (
            raw_millionths / cast(1000000 as double)
            + {{ score_rule('role_mean_prior') }} * {{ score_rule('role_mean_prior_episodes') }}
        )
        / (episode_count + {{ score_rule('role_mean_prior_episodes') }}), 2
    ) as mean_score
from added
