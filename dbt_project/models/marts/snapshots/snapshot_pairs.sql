{{ config(materialized='view', tags=['scope:global', 'export']) }}

with attempts as (

    select
        selection.episode_key,
        selection.startup,
        selection.group_key,
        selection.is_kept,
        selection.is_base_allowed,
        selection.is_overlay_allowed,
        selection.can_train,
        selection.can_eval,
        case when recent.group_key is not null then 'temporal_eval' else selection.split end as split
    from {{ ref('fct_selection') }} as selection
    left join {{ ref('int_temporal_eval_groups') }} as recent
        on selection.group_key = recent.group_key and selection.split = 'train'
    where {{ consented('selection') }}

),

drifting as (

    {{ drifting_towns() }}

),

pairs as (

    select
        pairs.pair_key,
        pairs.town_id,
        pairs.role_family,
        pairs.reason,
        pairs.chosen_episode_key,
        pairs.rejected_episode_key,
        case when better.startup = worse.startup then better.startup end as startup,
        better.group_key,
        better.split,
        better.is_base_allowed and worse.is_base_allowed as is_base_allowed,
        better.is_overlay_allowed and worse.is_overlay_allowed as is_overlay_allowed,
        case
            when not better.is_kept then 'better_attempt_not_kept'
            when better.group_key <> coalesce(worse.group_key, '') then 'attempts_of_two_groups'
            when better.split = 'train' and not worse.can_train then 'training_not_allowed'
            when better.split <> 'train' and not (better.can_eval and worse.can_eval) then 'evaluation_not_allowed'
        end as pair_excluded_reason
    from {{ ref('fct_preference_pairs') }} as pairs
    inner join attempts as better on pairs.chosen_episode_key = better.episode_key
    inner join attempts as worse on pairs.rejected_episode_key = worse.episode_key

)

select
    pairs.pair_key,
    'base' as scope,
    pairs.startup,
    pairs.role_family,
    pairs.split,
    pairs.group_key,
    pairs.chosen_episode_key,
    pairs.rejected_episode_key,
    pairs.town_id,
    pairs.reason,
    case
        when pairs.pair_excluded_reason is not null then pairs.pair_excluded_reason
        when not pairs.is_base_allowed then 'not_shared'
        when drifting.town_id is not null then 'town_drift'
    end as excluded_reason
from pairs
left join drifting on pairs.town_id = drifting.town_id and pairs.role_family = drifting.role_family
union all
select
    pairs.pair_key,
    'overlay' as scope,
    pairs.startup,
    pairs.role_family,
    pairs.split,
    pairs.group_key,
    pairs.chosen_episode_key,
    pairs.rejected_episode_key,
    pairs.town_id,
    pairs.reason,
    case
        when pairs.pair_excluded_reason is not null then pairs.pair_excluded_reason
        when pairs.startup is null then 'several_startups'
        when not pairs.is_overlay_allowed then 'overlay_not_allowed'
    end as excluded_reason
from pairs
