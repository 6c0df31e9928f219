{{ config(
    incremental=false,
    unique_key=['judge_kind', 'judge', 'role_family'],
    order_by=['judge_kind', 'judge', 'role_family'],
    tags=['scope:global']
) }}

with pairs as (

    select
        'score' as judge_kind,
        concat('rules ', cast(rules_version as varchar)) as judge,
        role_family,
        is_accepted as is_judged_good,
        is_good,
        rank_score as score,
        weight
    from {{ ref('fct_calibration_pairs') }}

),

scores as (

    {{ agreement_with_people('pairs') }}

),

every as (

    select
        judge_kind,
        judge,
        role_family,
        pair_count,
        undecided_count,
        both_good_count,
        only_judge_good_count,
        only_people_good_count,
        both_bad_count,
        observed_agreement,
        kappa,
        auc,
        calibration_error
    from scores
    union all
    select
        judge_kind,
        judge,
        role_family,
        pair_count,
        undecided_count,
        both_good_count,
        only_judge_good_count,
        only_people_good_count,
        both_bad_count,
        observed_agreement,
        kappa,
        auc,
        calibration_error
    from {{ ref('int_judge_agreement') }}

)

select *
from every
