-- The gate is monotone: it opens exactly when every part holds, and a closed one names a part that does not.
select
    scores.episode_key,
    scores.is_gate_passed,
    scores.gate_reason
from {{ written(ref('fct_episode_scores')) }} as scores
where
    {{ touched_rows(ref('fct_episode_scores'), 'scores') }}
    and (
        scores.is_gate_passed <> (
            scores.is_role_known and scores.has_work and scores.is_ended and scores.is_outcome_known
            and scores.is_outcome_accepted and scores.is_link_sure
        )
        or scores.is_gate_passed = (scores.gate_reason is not null)
        or (scores.gate_reason = 'role_unknown' and scores.is_role_known)
        or (scores.gate_reason = 'no_work' and (scores.has_work or not scores.is_role_known))
        or (scores.gate_reason = 'outcome_not_accepted' and scores.is_outcome_accepted)
        or (scores.gate_reason = 'link_unsure' and (scores.is_link_sure or not scores.is_outcome_accepted))
        or (scores.is_mature and scores.mature_at is null)
    )
