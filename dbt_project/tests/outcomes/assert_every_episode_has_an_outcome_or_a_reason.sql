-- Each episode has one outcome that the rules of its role know, or says why it has none.
select
    episodes.episode_key,
    outcomes.role_family,
    outcomes.outcome,
    outcomes.no_outcome_reason
from {{ written(ref('fct_episodes')) }} as episodes
left join {{ ref('fct_outcomes') }} as outcomes on episodes.episode_key = outcomes.episode_key
left join {{ ref('role_outcome_rules') }} as rules
    on outcomes.role_family = rules.role_family and outcomes.outcome = rules.outcome
where
    {{ touched_rows(ref('fct_episodes'), 'episodes') }}
    and (
        outcomes.episode_key is null
        or (rules.outcome is null and outcomes.role_family is not null)
        or (outcomes.outcome = 'no_verifiable_outcome') <> (outcomes.no_outcome_reason is not null)
        or (outcomes.is_admitting and outcomes.not_admitting_reason is not null)
        or (not outcomes.is_admitting and outcomes.not_admitting_reason is null)
    )
