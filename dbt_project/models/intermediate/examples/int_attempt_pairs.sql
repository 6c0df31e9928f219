{{ config(
    unique_key=['pair_key'],
    order_by=['chosen_session_key', 'pair_key'],
    tags=['scope:global'],
) }}

with attempts as (

    select
        episode_key,
        session_key,
        town_id,
        role_family,
        beads_project_id,
        bead_id,
        outcome,
        outcome_class,
        is_candidate,
        is_without_outcome,
        excluded_stage,
        rank_score,
        turn_count
    from {{ ref('int_episode_candidates') }}
    where bead_id is not null and role_family is not null

),

better as (

    select
        *,
        row_number() over (
            partition by beads_project_id, bead_id, role_family, town_id order by rank_score desc, episode_key
        ) as attempt_rank
    from attempts
    where is_candidate and not is_without_outcome and outcome_class = 'accepted'

)

-- What the gate stops was consented to: consent is asked first.
select
    {{ text_hash("concat(better.episode_key, '|', worse.episode_key)") }} as pair_key,
    better.town_id,
    better.role_family,
    better.beads_project_id,
    better.bead_id,
    better.episode_key as chosen_episode_key,
    better.session_key as chosen_session_key,
    worse.episode_key as rejected_episode_key,
    worse.session_key as rejected_session_key,
    concat(better.outcome, '_over_', worse.outcome) as reason
from better
inner join attempts as worse
    on
        better.beads_project_id = worse.beads_project_id
        and better.bead_id = worse.bead_id
        and better.role_family = worse.role_family
        and better.town_id = worse.town_id
where better.attempt_rank = 1 and worse.outcome_class = 'rejected' and worse.excluded_stage = 'gate'
