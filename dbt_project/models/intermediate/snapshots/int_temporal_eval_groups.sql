{{ config(materialized='view', tags=['scope:global']) }}

with train_groups as (

    select
        group_key,
        max(group_admitted_ended_at) as newest_ended_at
    from {{ ref('fct_splits') }}
    where split = 'train' and split_excluded_reason is null and group_admitted_ended_at is not null
    group by group_key

),

-- The newest groups first, so that one moment parts what is evaluated from what is trained on.
ranked as (

    select
        group_key,
        newest_ended_at,
        row_number() over (order by newest_ended_at desc, group_key) as recency_rank,
        count(*) over () as group_count
    from train_groups

)

select
    group_key,
    newest_ended_at
from ranked
where
    newest_ended_at >= {{ seconds_added(
        as_of(),
        '-86400 * (' ~ score_rule('maturity_days') ~ ' + ' ~ snapshot_rule('temporal_eval_days') ~ ')'
    ) }}
    and recency_rank <= floor({{ snapshot_rule('temporal_eval_max_share') }} * group_count)
