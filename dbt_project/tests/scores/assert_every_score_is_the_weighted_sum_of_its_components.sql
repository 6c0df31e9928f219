-- Whoever adds up the components finds the score; an episode whose role is known has the components that its role is given.
with components as (

    select
        components.episode_key,
        cast(sum(case when components.value is not null then components.weight else 0 end) as double) as known_weight,
        cast(sum(components.weight) as double) as weight,
        cast(sum(components.weight * components.value) as double) as weighted_value
    from {{ written(ref('fct_score_components')) }} as components
    where {{ touched_rows(ref('fct_score_components'), 'components') }}
    group by components.episode_key

),

scores as (

    select
        scores.episode_key,
        scores.role_family,
        scores.raw_score,
        scores.confidence,
        scores.role_mean_score,
        scores.rank_score
    from {{ written(ref('fct_episode_scores')) }} as scores
    where {{ touched_rows(ref('fct_episode_scores'), 'scores') }}

)

select
    scores.episode_key,
    'the raw score is not that of the components' as problem
from scores
inner join components on scores.episode_key = components.episode_key
where
    abs(coalesce(scores.raw_score, 0) - coalesce(components.weighted_value / nullif(components.known_weight, 0), 0)) > 0.00001
    or abs(scores.confidence - coalesce(components.known_weight / nullif(components.weight, 0), 0)) > 0.00001
union all
select
    scores.episode_key,
    'the rank score is not drawn to the role mean by confidence' as problem
from scores
where
    scores.rank_score is null
    or abs(
        scores.rank_score - scores.confidence * coalesce(scores.raw_score, 0) - (1 - scores.confidence) * scores.role_mean_score
    ) > 0.00001
union all
select
    episodes.episode_key,
    'an episode without a score, or with a role and without components' as problem
from {{ written(ref('fct_episodes')) }} as episodes
left join {{ part_of(ref('fct_episode_scores'), touched(ref('fct_episodes'))) }} as scores
    on episodes.episode_key = scores.episode_key
left join {{ part_of(ref('int_episode_raw_scores'), touched(ref('fct_episodes'))) }} as raw_scores
    on episodes.episode_key = raw_scores.episode_key
where
    {{ touched_rows(ref('fct_episodes'), 'episodes') }}
    and (scores.episode_key is null or (episodes.role_family is not null and raw_scores.episode_key is null))
