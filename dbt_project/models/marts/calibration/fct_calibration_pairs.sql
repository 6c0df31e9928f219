{{ config(
    incremental=false,
    unique_key=['episode_key'],
    order_by=['session_key', 'episode_key'],
    statistics=['session_key', 'episode_key'],
    tags=['scope:global']
) }}

{% set judged = 'select session_key from ' ~ ref('int_people_verdicts') %}

select
    people.episode_key,
    people.session_key,
    episodes.town_id,
    episodes.role,
    coalesce(episodes.role_family, 'unknown') as role_family,
    outcomes.outcome,
    outcomes.outcome_class,
    scores.tier,
    scores.rules_version,
    scores.gate_reason,
    scores.is_gate_passed as is_accepted,
    scores.rank_score,
    scores.confidence,
    people.labeller_count,
    people.good_count,
    people.bad_count,
    people.is_good,
    people.weight,
    people.is_good is not null and people.is_good <> scores.is_gate_passed as is_disagreement
from {{ ref('int_people_verdicts') }} as people
inner join {{ part_of(ref('fct_episode_scores'), judged) }} as scores on people.episode_key = scores.episode_key
inner join {{ part_of(ref('fct_episodes'), judged) }} as episodes on people.episode_key = episodes.episode_key
inner join {{ part_of(ref('fct_outcomes'), judged) }} as outcomes on people.episode_key = outcomes.episode_key
-- Where nothing can be verified the scores say nothing, and cannot be wrong.
where outcomes.outcome_class <> 'none' and scores.is_gate_passed is not null
