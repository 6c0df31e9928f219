{{ config(
    incremental=true,
    unique_key=['episode_key'],
    touched_key=['session_key'],
    touched_sql="{{ split_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key', 'group_key'],
    tags=['scope:global'],
) }}

with admitted as (

    select
        candidates.episode_key,
        coalesce(candidates.startup, '(several)') as startup,
        candidates.role_family,
        candidates.can_train,
        candidates.can_eval,
        candidates.ended_at
    from {{ ref('int_episode_candidates') }} as candidates
    inner join {{ ref('int_selection_caps') }} as caps on candidates.episode_key = caps.episode_key
    where caps.is_within_caps

),

members as (

    select
        groups.episode_key,
        groups.session_key,
        groups.session_started_on,
        groups.session_started_at,
        groups.town_id,
        groups.role_family,
        groups.group_key,
        admitted.episode_key is not null as is_admitted,
        admitted.startup,
        admitted.can_train,
        admitted.can_eval,
        admitted.ended_at,
        history.split as split_before,
        history.first_split,
        history.assigned_by,
        history.assigned_at
    from {{ ref('fct_groups') }} as groups
    left join admitted on groups.episode_key = admitted.episode_key
    left join {{ ref('int_split_history') }} as history on groups.episode_key = history.episode_key

),

groups as (

    select
        group_key,
        -- When groups merge, the strictest of their splits holds.
        max({{ split_rank('split_before') }}) as rank_before,
        max(case when is_admitted then 1 else 0 end) = 1 as has_admitted,
        max(case when is_admitted and can_train then 1 else 0 end) = 1 as can_train,
        max(case when is_admitted and can_eval then 1 else 0 end) = 1 as can_eval,
        max(case when is_admitted then ended_at end) as admitted_ended_at
    from members
    group by group_key

),

-- A group gets its split when an episode of it is first admitted; its hash draws a number from 0 to 1.
drawn as (

    select
        group_key,
        rank_before,
        can_eval,
        case
            when rank_before is not null then rank_before
            when not can_eval then 1
            when {{ hash_share("'split|'", 'group_key') }} < {{ split_rule('test_share') }} then 3
            when not can_train then 2
            when {{ hash_share("'split|'", 'group_key') }} < {{ split_rule('test_share') }} + {{ split_rule('eval_share') }} then 2
            else 1
        end as split_rank
    from groups
    where rank_before is not null or has_admitted

),

strata as (

    select distinct
        members.startup,
        members.role_family,
        drawn.group_key,
        drawn.split_rank,
        drawn.rank_before is null as is_unseen,
        members.can_eval
    from members
    inner join drawn on members.group_key = drawn.group_key
    where members.is_admitted

),

needs as (

    select
        startup,
        role_family,
        least(
            {{ split_rule('minimum_groups') }} - count(distinct case when split_rank = 3 then group_key end),
            floor({{ split_rule('minimum_share') }} * count(distinct case when is_unseen and can_eval then group_key end))
        ) as test_groups,
        least(
            {{ split_rule('minimum_groups') }} - count(distinct case when split_rank = 2 then group_key end),
            floor({{ split_rule('minimum_share') }} * count(distinct case when is_unseen and can_eval then group_key end))
        ) as eval_groups
    from strata
    group by startup, role_family

),

-- Only unseen groups are added, those with the smallest numbers: first to test, then, of the others, to eval.
waiting as (

    select
        strata.startup,
        strata.role_family,
        strata.group_key,
        row_number() over (
            partition by strata.startup, strata.role_family
            order by {{ hash_share("'minimum|'", 'strata.group_key') }}, strata.group_key
        ) as place
    from strata
    where strata.is_unseen and strata.can_eval and strata.split_rank = 1

),

added_to_test as (

    select distinct waiting.group_key
    from waiting
    inner join needs on waiting.startup = needs.startup and waiting.role_family = needs.role_family
    where waiting.place <= needs.test_groups

),

still_waiting as (

    select
        waiting.startup,
        waiting.role_family,
        waiting.group_key,
        row_number() over (partition by waiting.startup, waiting.role_family order by waiting.place) as place
    from waiting
    left join added_to_test on waiting.group_key = added_to_test.group_key
    where added_to_test.group_key is null

),

added_to_eval as (

    select distinct still_waiting.group_key
    from still_waiting
    inner join needs on still_waiting.startup = needs.startup and still_waiting.role_family = needs.role_family
    where still_waiting.place <= needs.eval_groups

),

decided as (

    select
        drawn.group_key,
        case
            when added_to_test.group_key is not null then 3
            when added_to_eval.group_key is not null then 2
            else drawn.split_rank
        end as split_rank,
        case
            when drawn.rank_before is not null then 'joined'
            when added_to_test.group_key is not null or added_to_eval.group_key is not null then 'minimum'
            else 'hash'
        end as assigned_by
    from drawn
    left join added_to_test on drawn.group_key = added_to_test.group_key
    left join added_to_eval on drawn.group_key = added_to_eval.group_key

),

-- Episodes that are gone keep their split: whoever comes back finds it as it was.
gone as (

    select history.*
    from {{ ref('int_split_history') }} as history
    left join members on history.episode_key = members.episode_key
    where members.episode_key is null

),

ledger as (

    select
        members.episode_key,
        members.session_key,
        members.session_started_on,
        members.session_started_at,
        members.town_id,
        members.role_family,
        members.group_key,
        {{ split_of_rank('decided.split_rank') }} as split,
        coalesce(members.first_split, {{ split_of_rank('decided.split_rank') }}) as first_split,
        coalesce(members.assigned_by, decided.assigned_by) as assigned_by,
        coalesce(members.assigned_at, {{ as_of() }}) as assigned_at,
        groups.admitted_ended_at as group_admitted_ended_at,
        false as is_gone
    from members
    inner join decided on members.group_key = decided.group_key
    inner join groups on members.group_key = groups.group_key
    union all
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
        cast(null as timestamp with time zone) as group_admitted_ended_at,
        true as is_gone
    from gone

)

select * from ledger
{% if is_incremental() %}
where session_key in ({{ split_sessions_sql() }})
{% endif %}
