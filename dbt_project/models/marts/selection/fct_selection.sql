{{ config(
    incremental=true,
    unique_key=['episode_key'],
    touched_key=['session_key'],
    touched_sql="{{ selection_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key', 'town_id'],
    tags=['scope:global'],
) }}

{% set touched_sessions = selection_sessions_sql() if is_incremental() else '' %}

with candidates as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        town_id,
        role_family,
        startup,
        is_base_allowed,
        is_overlay_allowed,
        can_train,
        can_eval,
        is_candidate,
        excluded_stage,
        excluded_reason,
        {{ conversation_key('episode_key', "'main'") }} as main_conversation_key
    from {{ part_of(ref('int_episode_candidates'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

consents as (

    select
        episode_key,
        refused_by
    from {{ part_of(ref('int_episode_consent'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

duplicates as (

    select
        conversation_key,
        kind,
        cast(round(similarity, 3) as varchar) as similarity,
        duplicate_of_conversation_key
    from {{ part_of(ref('fct_duplicates'), touched_sessions) }}

),

-- Why an episode has nothing to show: the reason of its main conversation's first example, else of a sub-agent's.
unusable as (

    select
        episode_key,
        unusable_reason,
        row_number() over (partition by episode_key order by is_subagent, example_number, example_key) as place
    from {{ part_of(ref('fct_examples'), touched_sessions) }}
    where unusable_reason is not null and {{ session_rows(touched_sessions) }}

),

caps as (

    select
        episode_key,
        cap_reason,
        bead_rank,
        month_rank
    from {{ part_of(ref('int_selection_caps'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

splits as (

    select
        episode_key,
        group_key,
        split,
        split_excluded_reason,
        split_excluded_detail
    from {{ part_of(ref('fct_splits'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

judged as (

    select
        candidates.episode_key,
        candidates.session_key,
        candidates.session_started_on,
        candidates.session_started_at,
        candidates.town_id,
        candidates.role_family,
        candidates.startup,
        candidates.is_base_allowed,
        candidates.is_overlay_allowed,
        candidates.can_train,
        candidates.can_eval,
        splits.group_key,
        splits.split,
        caps.bead_rank,
        caps.month_rank,
        case
            when not candidates.is_candidate then candidates.excluded_stage
            when duplicates.conversation_key is not null then 'duplicate'
            when caps.episode_key is null then 'example'
            when caps.cap_reason is not null then 'cap'
            when splits.episode_key is null or splits.split_excluded_reason is not null then 'split'
            when splits.split = 'train' and not candidates.can_train then 'split'
            when splits.split <> 'train' and not candidates.can_eval then 'split'
        end as excluded_stage,
        case
            when not candidates.is_candidate then candidates.excluded_reason
            when duplicates.conversation_key is not null then concat('duplicate_', duplicates.kind)
            when caps.episode_key is null then coalesce(unusable.unusable_reason, 'no_example')
            when caps.cap_reason is not null then caps.cap_reason
            when splits.episode_key is null then 'no_split'
            when splits.split_excluded_reason is not null then splits.split_excluded_reason
            when splits.split = 'train' and not candidates.can_train then 'training_not_allowed'
            when splits.split <> 'train' and not candidates.can_eval then 'evaluation_not_allowed'
        end as excluded_reason,
        case
            when candidates.excluded_stage = 'consent' then consents.refused_by
            when not candidates.is_candidate then null
            when duplicates.conversation_key is not null
                then concat(duplicates.duplicate_of_conversation_key, ', similarity ', duplicates.similarity)
            when caps.cap_reason = 'bead_cap' then concat('rank ', cast(caps.bead_rank as varchar), ' of its bead')
            when caps.cap_reason is not null then concat('rank ', cast(caps.month_rank as varchar), ' of its town, role and month')
            else splits.split_excluded_detail
        end as excluded_detail
    from candidates
    left join consents on candidates.episode_key = consents.episode_key
    left join duplicates on candidates.main_conversation_key = duplicates.conversation_key
    left join unusable on candidates.episode_key = unusable.episode_key and unusable.place = 1
    left join caps on candidates.episode_key = caps.episode_key
    left join splits on candidates.episode_key = splits.episode_key

)

select
    episode_key,
    session_key,
    session_started_on,
    session_started_at,
    town_id,
    role_family,
    startup,
    is_base_allowed,
    is_overlay_allowed,
    can_train,
    can_eval,
    group_key,
    split,
    bead_rank,
    month_rank,
    excluded_reason is null as is_kept,
    excluded_stage,
    excluded_reason,
    excluded_detail
from judged
