-- A stratified sample of the relation `frame` (training/calibration_frame.sql). $dice: a text that fixes the draw; $size: episodes
-- wanted; $disputed: how many of them among those whose evidence is at odds with itself. One row per drawn episode.
with ranked as (
    select
        episode_key,
        tier,
        is_accepted,
        ntile(10) over (order by rank_score nulls first, episode_key) as decile,
        md5(concat($dice, '|', episode_key)) as dice
    from frame
),

strata as (
    select
        ranked.episode_key,
        ranked.dice,
        case
            -- Let in among the worst, left out among the best, or another judge says the opposite of the gate.
            when ranked.is_accepted and ranked.decile <= 3 then 'disputed'
            when not ranked.is_accepted and ranked.decile >= 8 then 'disputed'
            when others.is_opposed then 'disputed'
            else concat(coalesce(ranked.tier, 'no tier'), ', decile ', ranked.decile)
        end as stratum
    from ranked
    left join (
        select
            labels.episode_key,
            bool_or((labels.verdict = 'good') <> frame.is_accepted) as is_opposed
        from fct_labels as labels
        inner join frame on labels.episode_key = frame.episode_key
        where labels.is_current and not labels.is_human and labels.verdict <> 'unsure'
        group by labels.episode_key
    ) as others on ranked.episode_key = others.episode_key
),

placed as (
    select
        *,
        row_number() over (partition by stratum order by dice) as place,
        count(*) over (partition by stratum) as stratum_size
    from strata
),

-- The disputed first, up to their share; then one of each other stratum in turn; then more disputed when there is nothing else.
chosen as (
    select
        *,
        case
            when stratum = 'disputed' and place <= $disputed then 0
            when stratum <> 'disputed' then 1
            else 2
        end as turn
    from placed
    order by turn, place, dice
    limit $size
)

select
    episode_key,
    stratum,
    stratum_size
from chosen
order by dice
