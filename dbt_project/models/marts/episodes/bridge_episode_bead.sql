{{ config(
    incremental=true,
    unique_key=['episode_key', 'beads_project_id', 'bead_id'],
    touched_key=['session_key'],
    touched_sql="select session_key from {{ touched(ref('fct_episode_bead_votes')) }}
        union select session_key from {{ touched(ref('fct_episodes')) }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'episode_key', 'session_started_at'],
    rows_per_file=5000,
    tags=['scope:shard']
) }}

{% set touched_sessions = 'select session_key from ' ~ touched(ref('fct_episode_bead_votes'))
    ~ ' union select session_key from ' ~ touched(ref('fct_episodes')) %}
{% set votes = part_of(ref('fct_episode_bead_votes'), touched_sessions) %}

with
{% if is_incremental() %}
touched_sessions as (

    {{ touched_sessions }}

),

{% endif %}
votes as (

    select *
    from {{ votes }}
    {% if is_incremental() %}
    where session_key in (select session_key from touched_sessions)
    {% endif %}

),

primaries as (

    {{ primary_beads('votes') }}

),

handled as (

    select
        episode_key,
        session_key,
        session_started_at,
        beads_project_id,
        bead_id,
        max(case when is_handled then 1 else 0 end) = 1 as is_handled,
        max(case when is_handled then confidence end) as confidence,
        {{ joined_text('case when is_handled or is_for_primary then bridge end', ', ', 'bridge') }} as bridges,
        cast(count(case when is_handled or is_for_primary then 1 end) as bigint) as bridge_count
    from votes
    where refused_reason is null
    group by episode_key, session_key, session_started_at, beads_project_id, bead_id

),

linked as (

    select
        handled.*,
        primaries.episode_key is not null as is_primary,
        primaries.confidence as primary_confidence
    from handled
    left join primaries
        on
            handled.episode_key = primaries.episode_key
            and handled.beads_project_id = primaries.beads_project_id
            and handled.bead_id = primaries.bead_id
    where handled.is_handled or primaries.episode_key is not null

),

episodes as (

    select
        episode_key,
        agent_address,
        git_branch,
        started_at,
        ended_at
    from {{ part_of(ref('fct_episodes'), touched_sessions) }}

),

-- Several attempts of one agent at one bead: the one on the episode's branch, else the one it overlaps longest.
attempts as (

    select
        linked.episode_key,
        linked.beads_project_id,
        linked.bead_id,
        attempts.attempt_key,
        row_number() over (
            partition by linked.episode_key, linked.beads_project_id, linked.bead_id
            order by
                case when attempts.branch = episodes.git_branch then 0 else 1 end,
                {{ seconds_between(
                    'greatest(attempts.hooked_at, episodes.started_at)',
                    'least(coalesce(attempts.ended_at, episodes.ended_at), episodes.ended_at)'
                ) }} desc,
                attempts.attempt_number desc
        ) as preference
    from linked
    inner join episodes on linked.episode_key = episodes.episode_key
    inner join {{ part_of(ref('fct_attempts'), 'select beads_project_id, bead_id from ' ~ votes) }} as attempts
        on
            linked.beads_project_id = attempts.beads_project_id
            and linked.bead_id = attempts.bead_id
            and episodes.agent_address = attempts.assignee_address
    where
        linked.is_primary
        and attempts.hooked_at <= {{ seconds_added('episodes.ended_at', 60) }}
        and coalesce(attempts.ended_at, episodes.started_at) >= episodes.started_at

)

select
    linked.episode_key,
    linked.session_key,
    linked.session_started_at,
    linked.beads_project_id,
    linked.bead_id,
    case when linked.is_primary then 'primary' else 'contributing' end as link_kind,
    case when linked.is_primary then linked.primary_confidence else linked.confidence end as confidence,
    linked.bridges,
    linked.bridge_count,
    attempts.attempt_key
from linked
left join attempts
    on
        linked.episode_key = attempts.episode_key
        and linked.beads_project_id = attempts.beads_project_id
        and linked.bead_id = attempts.bead_id
        and attempts.preference = 1
