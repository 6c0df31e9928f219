{# How far a judge agrees with people. `lora-forge` computes the same figures in training/agreement.py, with intervals. #}

{% macro agreement_columns() -%}
  judge_kind, judge, role_family
{%- endmacro %}

{% macro agreement_with_people(pairs) %}
  {#- A `select` of one row per judge and trained role. `pairs`: a relation with one row per episode that a judge and people judged:
      agreement_columns(), is_judged_good, is_good (what people say; null when they do not agree), score (0 to 1; null where the judge
      gives none), weight (episodes the pair stands for).
      kappa: Cohen (1960), "A coefficient of agreement for nominal scales": (observed - chance) / (1 - chance) agreement.
      auc: Hanley and McNeil (1982): the chance that a good episode has a higher score than a bad one; equal scores count half.
      calibration_error: Naeini, Cooper and Hauskrecht (2015), ten bins of equal width: mean distance between score and share of good.
      All three weigh each pair by the episodes it stands for, and are null where they are not defined: kappa when judge and people
      use the same single class, auc when people see one class only. Rounded, since sums of doubles depend on their order. -#}
    select
        counted.judge_kind,
        counted.judge,
        counted.role_family,
        counted.pair_count,
        counted.undecided_count,
        counted.both_good_count,
        counted.only_judge_good_count,
        counted.only_people_good_count,
        counted.both_bad_count,
        round(counted.agreeing / nullif(counted.total, 0), 9) as observed_agreement,
        round(case
            when counted.judged_good * counted.good + counted.judged_bad * counted.bad < counted.total * counted.total
                then
                    (counted.agreeing * counted.total - counted.judged_good * counted.good - counted.judged_bad * counted.bad)
                    / (counted.total * counted.total - counted.judged_good * counted.good - counted.judged_bad * counted.bad)
        end, 9) as kappa,
        round(ranked.auc, 9) as auc,
        round(binned.calibration_error, 9) as calibration_error
    from (
        select
            {{ agreement_columns() }},
            count(*) filter (where is_good is not null) as pair_count,
            count(*) filter (where is_good is null) as undecided_count,
            count(*) filter (where is_judged_good and is_good) as both_good_count,
            count(*) filter (where is_judged_good and not is_good) as only_judge_good_count,
            count(*) filter (where not is_judged_good and is_good) as only_people_good_count,
            count(*) filter (where not is_judged_good and not is_good) as both_bad_count,
            cast(coalesce(sum(weight) filter (where is_good is not null), 0) as double) as total,
            cast(coalesce(sum(weight) filter (where is_judged_good = is_good), 0) as double) as agreeing,
            cast(coalesce(sum(weight) filter (where is_judged_good and is_good is not null), 0) as double) as judged_good,
            cast(coalesce(sum(weight) filter (where not is_judged_good and is_good is not null), 0) as double) as judged_bad,
            cast(coalesce(sum(weight) filter (where is_good), 0) as double) as good,
            cast(coalesce(sum(weight) filter (where not is_good), 0) as double) as bad
        from {{ pairs }}
        group by {{ agreement_columns() }}
    ) as counted
    left join (
        select
            {{ agreement_columns() }},
            cast(sum(good * (bad_below + bad / 2)) as double) / nullif(cast(sum(good) as double) * cast(sum(bad) as double), 0) as auc
        from (
            select
                {{ agreement_columns() }},
                good,
                bad,
                coalesce(cast(sum(bad) over (
                    partition by {{ agreement_columns() }}
                    order by score
                    rows between unbounded preceding and 1 preceding
                ) as double), 0) as bad_below
            from (
                select
                    {{ agreement_columns() }},
                    score,
                    cast(coalesce(sum(weight) filter (where is_good), 0) as double) as good,
                    cast(coalesce(sum(weight) filter (where not is_good), 0) as double) as bad
                from {{ pairs }}
                where score is not null and is_good is not null
                group by {{ agreement_columns() }}, score
            ) as by_score
        ) as stepped
        group by {{ agreement_columns() }}
    ) as ranked
        on counted.judge_kind = ranked.judge_kind and counted.judge = ranked.judge and counted.role_family = ranked.role_family
    left join (
        select
            {{ agreement_columns() }},
            cast(sum(abs(expected - good)) as double) / nullif(cast(sum(total) as double), 0) as calibration_error
        from (
            select
                {{ agreement_columns() }},
                least(floor(score * 10), 9) as bin,
                cast(sum(weight * score) as double) as expected,
                cast(coalesce(sum(weight) filter (where is_good), 0) as double) as good,
                cast(sum(weight) as double) as total
            from {{ pairs }}
            where score is not null and is_good is not null
            group by {{ agreement_columns() }}, least(floor(score * 10), 9)
        ) as bins
        group by {{ agreement_columns() }}
    ) as binned
        on counted.judge_kind = binned.judge_kind and counted.judge = binned.judge and counted.role_family = binned.role_family
{% endmacro %}
