{{ config(
    incremental=false,
    unique_key=['episode_key'],
    order_by=['session_key', 'episode_key'],
    statistics=['session_key', 'episode_key'],
    tags=['scope:global']
) }}

with newest as (

    select
        *,
        row_number() over (partition by episode_key order by labelled_at desc, label_id desc) as newest_first
    from {{ ref('fct_labels') }}
    where is_current and is_human

),

counted as (

    select
        episode_key,
        count(*) as labeller_count,
        count(*) filter (where verdict = 'good') as good_count,
        count(*) filter (where verdict = 'bad') as bad_count,
        max(labelled_at) as last_labelled_at
    from newest
    group by episode_key

),

decided as (

    select
        newest.episode_key,
        newest.session_key,
        coalesce(newest.role_family, 'unknown') as role_family,
        newest.cycle,
        newest.stratum,
        newest.stratum_size,
        counted.labeller_count,
        counted.good_count,
        counted.bad_count,
        case
            when counted.good_count > counted.bad_count then true
            when counted.good_count < counted.bad_count then false
        end as is_good,
        counted.last_labelled_at
    from newest
    inner join counted on newest.episode_key = counted.episode_key
    where newest.newest_first = 1

),

stood_for as (

    select
        *,
        count(case when is_good is not null then 1 end) over (partition by role_family, cycle, stratum) as stratum_verdict_count
    from decided

)

select
    episode_key,
    session_key,
    role_family,
    cycle,
    labeller_count,
    good_count,
    bad_count,
    is_good,
    -- A sample of strata is no picture of the whole until each verdict counts for the episodes that its stratum stands for.
    case
        when stratum is not null and stratum_size > stratum_verdict_count and stratum_verdict_count > 0
            then cast(stratum_size as double) / stratum_verdict_count
        else cast(1 as double)
    end as weight,
    last_labelled_at
from stood_for
