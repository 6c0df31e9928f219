-- Nothing that can be exported comes from an episode that nobody may learn from, whatever made it.
with exported as (

    select
        example_key,
        episode_key
    from {{ written(ref('fct_examples')) }} as examples
    where {{ touched_rows(ref('fct_examples'), 'examples') }}
    union all
    select
        pair_key as example_key,
        chosen_episode_key as episode_key
    from {{ written(ref('fct_preference_pairs')) }} as pairs
    where {{ touched_rows(ref('fct_preference_pairs'), 'pairs') }}
    union all
    select
        pair_key as example_key,
        rejected_episode_key as episode_key
    from {{ written(ref('fct_preference_pairs')) }} as pairs
    where {{ touched_rows(ref('fct_preference_pairs'), 'pairs') }}

)

select
    exported.example_key,
    exported.episode_key
from exported
left join {{ ref('int_episode_consent') }} as consents on exported.episode_key = consents.episode_key
where consents.episode_key is null or consents.consent_reason is not null
