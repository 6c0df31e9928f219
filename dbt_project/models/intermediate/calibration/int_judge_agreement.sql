{{ config(
    incremental=false,
    unique_key=['judge_kind', 'judge', 'role_family'],
    order_by=['judge_kind', 'judge', 'role_family'],
    tags=['scope:global']
) }}

with margins as (

    select
        labels.labeller_kind as judge_kind,
        labels.labeller as judge,
        people.role_family,
        labels.verdict = 'good' as is_judged_good,
        -- Nobody is compared with themselves.
        people.good_count - people.bad_count
        - case
            when labels.is_human and labels.verdict = 'good' then 1
            when labels.is_human and labels.verdict = 'bad' then -1
            else 0
        end as margin,
        people.weight
    from {{ ref('fct_labels') }} as labels
    inner join {{ ref('int_people_verdicts') }} as people on labels.episode_key = people.episode_key
    where
        labels.is_current
        and labels.verdict <> 'unsure'
        and (not labels.is_human or people.labeller_count > 1)

),

pairs as (

    select
        judge_kind,
        judge,
        role_family,
        is_judged_good,
        case when margin > 0 then true when margin < 0 then false end as is_good,
        cast(null as double) as score,
        weight
    from margins

),

agreement as (

    {{ agreement_with_people('pairs') }}

)

select *
from agreement
