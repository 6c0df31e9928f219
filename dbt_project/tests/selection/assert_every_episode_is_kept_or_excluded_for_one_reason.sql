-- In = kept + excluded: every episode has one row, and a reason exactly when it is not kept.
with selected as (

    select
        episode_key,
        is_kept,
        excluded_stage,
        excluded_reason
    from {{ written(ref('fct_selection')) }} as selection
    where {{ touched_rows(ref('fct_selection'), 'selection') }}

),

episodes as (

    select episode_key
    from {{ written(ref('fct_episodes')) }} as episodes
    where {{ touched_rows(ref('fct_episodes'), 'episodes') }}

)

select
    episodes.episode_key,
    'is in no row' as problem
from episodes
left join selected on episodes.episode_key = selected.episode_key
where selected.episode_key is null
union all
select
    episode_key,
    'is kept for a reason, or out without one' as problem
from selected
where is_kept <> (excluded_reason is null) or (excluded_reason is null) <> (excluded_stage is null)
