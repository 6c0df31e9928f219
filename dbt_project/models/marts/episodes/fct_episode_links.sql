{{ config(
    incremental=true,
    unique_key=['episode_key'],
    touched_key=['session_key'],
    touched_sql="select session_key from {{ touched(ref('bridge_episode_bead')) }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'episode_key', 'session_started_at'],
    rows_per_file=5000,
    tags=['scope:shard']
) }}

{% set touched_sessions = 'select session_key from ' ~ touched(ref('fct_episodes'))
    ~ ' union select session_key from ' ~ touched(ref('fct_episode_bead_votes'))
    ~ ' union select session_key from ' ~ touched(ref('bridge_episode_bead')) %}

with
{% if is_incremental() %}
touched_sessions as (

    {{ touched_sessions }}

),

{% endif %}
episodes as (

    select
        episode_key,
        session_key,
        session_started_at,
        town_id
    from {{ part_of(ref('fct_episodes'), touched_sessions) }}
    {% if is_incremental() %}
    where session_key in (select session_key from touched_sessions)
    {% endif %}

),

databases as (

    select distinct town_id
    from {{ ref('bridge_town_database') }}

),

votes as (

    select
        episode_key,
        cast(count(case when refused_reason is null then 1 end) as bigint) as vote_count,
        cast(count(refused_reason) as bigint) as refused_vote_count,
        -- What an agent only did something to, it may have handled for somebody else.
        cast(
            count(distinct case when is_for_primary and not is_handled then concat(beads_project_id, '|', bead_id) end) as bigint
        ) as candidate_count
    from {{ part_of(ref('fct_episode_bead_votes'), touched_sessions) }}
    group by episode_key

),

links as (

    select
        episode_key,
        max(case when link_kind = 'primary' then beads_project_id end) as beads_project_id,
        max(case when link_kind = 'primary' then bead_id end) as bead_id,
        max(case when link_kind = 'primary' then confidence end) as confidence,
        max(case when link_kind = 'primary' then attempt_key end) as attempt_key,
        cast(count(case when link_kind = 'contributing' then 1 end) as bigint) as contributing_bead_count
    from {{ part_of(ref('bridge_episode_bead'), touched_sessions) }}
    group by episode_key

)

select
    episodes.episode_key,
    episodes.session_key,
    episodes.session_started_at,
    links.beads_project_id as primary_beads_project_id,
    links.bead_id as primary_bead_id,
    links.confidence,
    links.attempt_key,
    coalesce(links.contributing_bead_count, 0) as contributing_bead_count,
    coalesce(votes.vote_count, 0) as vote_count,
    coalesce(votes.refused_vote_count, 0) as refused_vote_count,
    case
        when links.bead_id is not null then null
        when episodes.town_id is null then 'no_town'
        when databases.town_id is null then 'no_database'
        when coalesce(votes.vote_count + votes.refused_vote_count, 0) = 0 then 'nothing_named'
        when votes.vote_count = 0 then 'unknown_bead'
        when votes.candidate_count = 0 then 'only_handled'
        when votes.candidate_count = 1 then 'weak_evidence'
        else 'disputed'
    end as unlinked_reason
from episodes
left join databases on episodes.town_id = databases.town_id
left join votes on episodes.episode_key = votes.episode_key
left join links on episodes.episode_key = links.episode_key
