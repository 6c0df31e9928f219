-- An outcome that the rules of the role do not know would be lost without a word.
select
    evidence.episode_key,
    evidence.evidence_number,
    episodes.role_family,
    evidence.outcome
from {{ written(ref('fct_outcome_evidence')) }} as evidence
inner join {{ ref('fct_episodes') }} as episodes on evidence.episode_key = episodes.episode_key
left join {{ ref('role_outcome_rules') }} as rules
    on episodes.role_family = rules.role_family and evidence.outcome = rules.outcome
where
    {{ touched_rows(ref('fct_outcome_evidence'), 'evidence') }}
    and evidence.outcome is not null
    and rules.outcome is null
