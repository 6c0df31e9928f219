-- Every episode that people may be asked about: it has a score, and something is known of what became of it.
-- $role: a trained role. One row per episode.
select
    scores.episode_key,
    episodes.session_key,
    episodes.town_id,
    sessions.session_id,
    towns.name as town,
    episodes.role,
    families.role_family,
    episodes.agent_address,
    episodes.kind,
    episodes.started_at,
    episodes.first_message_number,
    episodes.last_message_number,
    episodes.turn_count,
    links.primary_beads_project_id,
    links.primary_bead_id,
    outcomes.outcome,
    outcomes.outcome_class,
    scores.tier,
    cast(scores.rules_version as varchar) as rules_version,
    scores.gate_reason,
    scores.is_gate_passed as is_accepted,
    scores.rank_score,
    scores.confidence
from fct_episode_scores as scores
inner join fct_episodes as episodes on scores.episode_key = episodes.episode_key
inner join fct_outcomes as outcomes on scores.episode_key = outcomes.episode_key
inner join seeds.role_families as families on episodes.role = families.role
left join fct_episode_links as links on scores.episode_key = links.episode_key
left join dim_sessions as sessions on episodes.session_key = sessions.session_key
left join dim_towns as towns on episodes.town_id = towns.town_id
where
    families.role_family = $role
    and outcomes.outcome_class <> 'none'
    and scores.is_gate_passed is not null
