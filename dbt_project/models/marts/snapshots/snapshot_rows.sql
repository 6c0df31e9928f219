{{ config(materialized='view', tags=['scope:global', 'export']) }}

with kept as (

    select
        selection.episode_key,
        selection.town_id,
        selection.role_family,
        selection.startup,
        selection.group_key,
        selection.is_base_allowed,
        selection.is_overlay_allowed,
        selection.can_eval,
        case when recent.group_key is not null then 'temporal_eval' else selection.split end as split
    from {{ ref('fct_selection') }} as selection
    left join {{ ref('int_temporal_eval_groups') }} as recent
        on selection.group_key = recent.group_key and selection.split = 'train'
    where selection.is_kept and {{ consented('selection') }}

),

outcomes as (

    select
        episode_key,
        outcome
    from {{ ref('fct_outcomes') }}

),

drifting as (

    {{ drifting_towns() }}

),

-- Once for the base of its role, once for the overlay of its startup.
episodes as (

    select
        kept.*,
        'base' as scope,
        case
            when not kept.is_base_allowed then 'not_shared'
            when drifting.town_id is not null then 'town_drift'
        end as scope_excluded_reason
    from kept
    left join drifting on kept.town_id = drifting.town_id and kept.role_family = drifting.role_family
    union all
    select
        kept.*,
        'overlay' as scope,
        case
            when kept.startup is null then 'several_startups'
            when not kept.is_overlay_allowed then 'overlay_not_allowed'
        end as scope_excluded_reason
    from kept

),

examples as (

    select
        example_key,
        episode_key,
        conversation_key,
        token_count,
        content_hash,
        copies
    from {{ ref('fct_examples') }}
    where unusable_reason is null

),

duplicates as (

    select
        conversation_key,
        kind
    from {{ ref('fct_duplicates') }}

),

placed as (

    select
        examples.example_key,
        examples.episode_key,
        examples.conversation_key,
        examples.token_count,
        examples.content_hash,
        episodes.scope,
        episodes.startup,
        episodes.role_family,
        episodes.split,
        episodes.group_key,
        episodes.town_id,
        case when episodes.split = 'train' then examples.copies else 1 end as most_copies,
        case when episodes.scope = 'overlay' then episodes.startup end as overlay_startup,
        case
            when episodes.scope_excluded_reason is not null then episodes.scope_excluded_reason
            when episodes.split = 'temporal_eval' and not episodes.can_eval then 'evaluation_not_allowed'
            when duplicates.conversation_key is not null then concat('duplicate_', duplicates.kind)
        end as excluded_reason
    from examples
    inner join episodes on examples.episode_key = episodes.episode_key
    left join duplicates on examples.conversation_key = duplicates.conversation_key

),

-- How many of a file's examples begin a session, and how many should beside those that do not.
files as (

    select
        scope,
        overlay_startup,
        role_family,
        split,
        cast(sum(case when most_copies > 1 then 1 else 0 end) as double) as start_count,
        cast(sum(case when most_copies > 1 then 0 else 1 end) as double)
        * {{ snapshot_rule('session_start_share') }} / (1 - {{ snapshot_rule('session_start_share') }}) as wanted_starts
    from placed
    where excluded_reason is null
    group by scope, overlay_startup, role_family, split

)

select
    placed.example_key,
    placed.scope,
    placed.startup,
    placed.role_family,
    placed.split,
    placed.group_key,
    placed.episode_key,
    placed.conversation_key,
    placed.town_id,
    outcomes.outcome,
    placed.token_count,
    placed.content_hash,
    -- Repeated until they are their share of the file's rows.
    case
        when placed.most_copies > 1 and placed.excluded_reason is null
            then greatest(1, least(placed.most_copies, cast(ceil(files.wanted_starts / files.start_count) as bigint)))
        else 1
    end as copy_count,
    placed.excluded_reason
from placed
left join outcomes on placed.episode_key = outcomes.episode_key
left join files
    on
        placed.scope = files.scope
        and coalesce(placed.overlay_startup, '') = coalesce(files.overlay_startup, '')
        and placed.role_family = files.role_family
        and placed.split = files.split
