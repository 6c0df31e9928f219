{{ config(
    unique_key=['snapshot_id', 'reason'],
    order_by=['snapshot_sequence', 'snapshot_id', 'reason'],
    statistics=['snapshot_id'],
    tags=['scope:global'],
) }}

with members as (

    select distinct
        snapshot_id,
        snapshot_name,
        snapshot_sequence,
        episode_key,
        example_key,
        scope,
        split,
        startup
    from {{ source('ops', 'snapshot_members') }}
    where episode_key is not null

),

judged as (

    select
        members.snapshot_id,
        members.snapshot_name,
        members.snapshot_sequence,
        members.episode_key,
        members.example_key,
        case
            when consents.episode_key is null then 'episode_gone'
            when consents.consent_reason is not null then consents.consent_reason
            when members.scope = 'base' and not consents.is_base_allowed then 'base_not_allowed'
            when members.scope = 'overlay' and not consents.is_overlay_allowed then 'overlay_not_allowed'
            when members.scope = 'overlay' and members.startup <> consents.startup then 'other_startup'
            when members.split = 'train' and not consents.can_train then 'training_not_allowed'
            when members.split <> 'train' and not consents.can_eval then 'evaluation_not_allowed'
        end as reason
    from members
    left join {{ ref('int_episode_consent') }} as consents on members.episode_key = consents.episode_key

)

select
    snapshot_id,
    snapshot_name,
    snapshot_sequence,
    reason,
    cast(count(distinct episode_key) as bigint) as episode_count,
    cast(count(distinct example_key) as bigint) as example_count
from judged
where reason is not null
group by snapshot_id, snapshot_name, snapshot_sequence, reason
