{{ config(
    incremental=false,
    unique_key=['town_id', 'role_family', 'measure'],
    order_by=['town_id', 'role_family', 'measure'],
    tags=['scope:global'],
) }}

{% set replicates = 100 %}
{% set buckets = 32 %}

-- First by bucket: from here on the cost depends on towns, roles and items, and no more on how many episodes there are.
with counts as (

    select
        town_id,
        role_family,
        measure,
        item,
        cast(count(case when item_number = 1 then 1 end) as bigint) as episode_count,
        {{ counts_by_bucket(buckets) }}
    from {{ ref('int_episode_mix') }}
    group by town_id, role_family, measure, item

),

episodes as (

    select
        town_id,
        role_family,
        measure,
        cast(sum(episode_count) as bigint) as episode_count,
        cast(sum(sum(episode_count)) over (partition by role_family, measure) as bigint) as all_episode_count,
        cast(count(*) over (partition by role_family, measure) as bigint) as all_town_count
    from counts
    group by town_id, role_family, measure

),

samples as (

    select distinct
        episodes.town_id,
        episodes.role_family,
        replicates.number as replicate,
        concat(episodes.town_id, '|', episodes.role_family, '|', cast(replicates.number as varchar)) as name
    from episodes
    cross join {{ numbers_below(replicates + 1) }} as replicates

),

lots as (

    select
        town_id,
        role_family,
        replicate,
        concat({{ text_hash("concat(name, '|1')") }}, {{ text_hash("concat(name, '|2')") }}) as lots
    from samples

),

-- Replicate 0 is what was seen: every bucket once.
weights as (

    select
        town_id,
        role_family,
        replicate,
        {{ weights_of_buckets(buckets) }}
    from lots

),

samples_drawn as (

    select
        weights.replicate,
        counts.town_id,
        counts.role_family,
        counts.measure,
        counts.item,
        {{ weighted_buckets(buckets) }} as item_count
    from counts
    inner join weights on counts.town_id = weights.town_id and counts.role_family = weights.role_family

),

drawn as (

    select * from samples_drawn
    where item_count > 0

),

added as (

    select
        replicate,
        town_id,
        role_family,
        measure,
        item,
        item_count,
        cast(sum(item_count) over (partition by replicate, role_family, measure, item) as bigint) as everywhere_count,
        cast(sum(item_count) over (partition by replicate, role_family, measure, town_id) as bigint) as total_count,
        cast(sum(item_count) over (partition by replicate, role_family, measure) as bigint) as everywhere_total
    from drawn

),

-- The pool is what the other towns do: a large town would else be compared with itself.
shares as (

    select
        replicate,
        town_id,
        role_family,
        measure,
        item,
        item_count / cast(total_count as double) as share,
        (everywhere_count - item_count) / cast(everywhere_total - total_count as double) as pool_share
    from added
    where everywhere_total > total_count

),

-- Jensen–Shannon to base 2 is half of the sum of p log2(2p / (p + q)) + q log2(2q / (p + q)). An item that the town never has adds
-- q / 2, so all of them add half of what is left of q = 1, and only the town's own items need be looked at. In whole 10^-12: sums
-- of them do not depend on their order.
terms as (

    select
        replicate,
        town_id,
        role_family,
        measure,
        cast(round(1000000000000 * (
            share * log2(2 * share / (share + pool_share))
            + case when pool_share > 0 then pool_share * log2(2 * pool_share / (share + pool_share)) else 0 end
            - pool_share
        ) / 2) as bigint) as term
    from shares

),

divergences as (

    select
        replicate,
        town_id,
        role_family,
        measure,
        least(1, greatest(0, cast(500000000000 + sum(term) as bigint) / cast(1000000000000 as double))) as divergence
    from terms
    group by replicate, town_id, role_family, measure

),

ranked as (

    select
        town_id,
        role_family,
        measure,
        divergence,
        cast(round(1000000000000 * divergence) as bigint) as units,
        row_number() over (partition by town_id, role_family, measure order by divergence) as number,
        cast(count(*) over (partition by town_id, role_family, measure) as bigint) as replicate_count
    from divergences
    where replicate > 0

),

spread as (

    select
        town_id,
        role_family,
        measure,
        cast(sum(units) as bigint) / (cast(1000000000000 as double) * max(replicate_count)) as mean_divergence,
        max(case when number = ceil(0.05 * replicate_count) then divergence end) as low_divergence,
        max(case when number = ceil(0.95 * replicate_count) then divergence end) as high_divergence
    from ranked
    group by town_id, role_family, measure

),

standing_out as (

    select
        town_id,
        role_family,
        measure,
        item,
        share,
        pool_share,
        row_number() over (partition by town_id, role_family, measure order by share - pool_share desc, item) as rank
    from shares
    where replicate = 0

),

judged as (

    select
        episodes.town_id,
        episodes.role_family,
        episodes.measure,
        episodes.episode_count,
        episodes.all_episode_count - episodes.episode_count as pool_episode_count,
        episodes.all_town_count - 1 as pool_town_count,
        round(seen.divergence, 6) as measured_divergence,
        -- A sample lies further from the pool than the town does, and a sample of that one further again, by as much: take it off.
        round(least(1, greatest(0, 2 * seen.divergence - spread.mean_divergence)), 6) as divergence,
        round(least(1, greatest(0, 2 * seen.divergence - spread.high_divergence)), 6) as divergence_low,
        round(least(1, greatest(0, 2 * seen.divergence - spread.low_divergence)), 6) as divergence_high,
        thresholds.max_divergence,
        thresholds.keeps_out,
        case
            when seen.divergence is null or spread.mean_divergence is null then 'no_pool'
            when episodes.episode_count < thresholds.min_episodes then 'too_few_episodes'
            when episodes.all_episode_count - episodes.episode_count < thresholds.min_episodes then 'too_few_in_pool'
        end as unjudged_reason,
        standing_out.item as top_item,
        round(standing_out.share, 6) as top_item_share,
        round(standing_out.pool_share, 6) as top_item_pool_share
    from episodes
    inner join {{ ref('drift_thresholds') }} as thresholds on episodes.measure = thresholds.measure
    left join divergences as seen
        on
            episodes.town_id = seen.town_id
            and episodes.role_family = seen.role_family
            and episodes.measure = seen.measure
            and seen.replicate = 0
    left join spread
        on
            episodes.town_id = spread.town_id
            and episodes.role_family = spread.role_family
            and episodes.measure = spread.measure
    left join standing_out
        on
            episodes.town_id = standing_out.town_id
            and episodes.role_family = standing_out.role_family
            and episodes.measure = standing_out.measure
            and standing_out.rank = 1

)

select
    town_id,
    role_family,
    measure,
    episode_count,
    pool_episode_count,
    pool_town_count,
    measured_divergence,
    divergence,
    divergence_low,
    divergence_high,
    max_divergence,
    unjudged_reason is null and divergence_low > max_divergence as is_drifting,
    unjudged_reason is null and divergence_low > max_divergence and keeps_out as is_kept_out,
    unjudged_reason,
    top_item,
    top_item_share,
    top_item_pool_share
from judged
