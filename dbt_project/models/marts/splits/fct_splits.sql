{{ config(
    incremental=true,
    unique_key=['episode_key'],
    touched_key=['session_key'],
    touched_sql="{{ judged_sessions_sql(this) }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key', 'group_key'],
    tags=['scope:global'],
) }}

{% set sessions_sql = judged_sessions_sql(this) if is_incremental() else '' %}

with ledger as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        town_id,
        role_family,
        group_key,
        split,
        first_split,
        assigned_by,
        assigned_at,
        group_admitted_ended_at
    from {{ part_of(ref('int_split_ledger'), sessions_sql) }}
    where not is_gone and {{ session_rows(sessions_sql) }}

),

judged as (

    select
        ledger.*,
        case
            when sizes.is_kept_out then 'group_too_large'
            when ledger.split <> 'train' and seen.episode_key is not null then 'seen_in_training'
            when ledger.split = 'train' and holders.episode_key is not null then 'holds_eval_turn'
        end as split_excluded_reason,
        sizes.largest_group_key,
        seen.first_snapshot_id,
        holders.eval_episode_key
    from ledger
    left join {{ ref('fct_group_sizes') }} as sizes on ledger.role_family = sizes.role_family
    left join {{ ref('int_seen_in_training') }} as seen on ledger.episode_key = seen.episode_key
    left join {{ ref('int_eval_turn_holders') }} as holders on ledger.episode_key = holders.episode_key

)

select
    episode_key,
    session_key,
    session_started_on,
    session_started_at,
    town_id,
    role_family,
    group_key,
    split,
    first_split,
    assigned_by,
    assigned_at,
    split_excluded_reason,
    case split_excluded_reason
        when 'group_too_large' then largest_group_key
        when 'seen_in_training' then first_snapshot_id
        when 'holds_eval_turn' then eval_episode_key
    end as split_excluded_detail,
    group_admitted_ended_at
from judged
