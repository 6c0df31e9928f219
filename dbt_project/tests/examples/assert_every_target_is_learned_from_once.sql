-- Each target of a candidate's conversations is a target in exactly one usable example, and nothing else is one.
with targets as (

    select
        turns.conversation_key,
        turns.turn_key
    from {{ part_of(ref('int_conversation_turns'), touched(ref('int_example_units'))) }} as turns
    inner join {{ part_of(ref('int_episode_candidates'), touched(ref('int_example_units'))) }} as candidates
        on turns.episode_key = candidates.episode_key
    where
        turns.is_target and candidates.is_candidate
        {% if is_incremental() %}
        and turns.session_key in (select session_key from {{ touched(ref('int_example_units')) }})
        {% endif %}

),

learned as (

    select
        units.conversation_key,
        units.turn_key,
        count(*) as example_count
    from {{ written(ref('int_example_units')) }} as units
    where units.is_target and units.unusable_reason is null and {{ touched_rows(ref('int_example_units'), 'units') }}
    group by units.conversation_key, units.turn_key

)

select
    targets.turn_key as target_turn_key,
    learned.turn_key as learned_turn_key,
    learned.example_count
from targets
full outer join learned on targets.conversation_key = learned.conversation_key and targets.turn_key = learned.turn_key
where targets.turn_key is null or coalesce(learned.example_count, 0) <> 1
