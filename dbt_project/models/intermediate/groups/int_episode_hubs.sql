{{ config(
    incremental=true,
    unique_key=['episode_key', 'hub'],
    touched_key=['session_key'],
    touched_sql="{{ hub_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'session_started_at'],
    tags=['scope:shard'],
) }}

{% set touched_sessions = hub_sessions_sql() if is_incremental() else '' %}

with episodes as (

    select
        episodes.episode_key,
        episodes.session_key,
        episodes.session_started_at,
        episodes.episode_number,
        {{ group_node('episode', 'episodes.episode_key') }} as node,
        coalesce(rules.joined_by_session, true) as joined_by_session,
        coalesce(rules.joined_by_bead, true) as joined_by_bead,
        coalesce(rules.joined_by_text, true) as joined_by_text
    from {{ part_of(ref('fct_episodes'), touched_sessions) }} as episodes
    left join {{ ref('group_rules') }} as rules on episodes.role_family = rules.role_family
    where {{ session_rows(touched_sessions, 'episodes') }}

),

families as (

    select
        session_key,
        family_key
    from {{ part_of(ref('int_fork_families'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

beads as (

    select
        episode_key,
        beads_project_id,
        bead_id
    from {{ part_of(ref('bridge_episode_bead'), touched_sessions) }}
    where link_kind = 'primary' and {{ session_rows(touched_sessions) }}

),

-- Sub-agents ride with their episode: what they wrote joins it as what it wrote itself.
texts as (

    select
        episode_key,
        text_hash,
        written_hash
    from {{ part_of(ref('int_conversation_signatures'), touched_sessions) }}
    where signature is not null and {{ session_rows(touched_sessions) }}

),

hubs as (

    -- Nobody is without a hub: an episode that nothing joins is a group of its own.
    select
        episode_key,
        'episode' as hub_kind,
        node as hub
    from episodes
    union
    select
        episodes.episode_key,
        case when families.family_key is null then 'session' else 'fork_family' end as hub_kind,
        {{ group_node('session', 'coalesce(families.family_key, episodes.session_key)') }} as hub
    from episodes
    left join families on episodes.session_key = families.session_key
    where episodes.joined_by_session
    union
    select
        episodes.episode_key,
        'bead' as hub_kind,
        {{ bead_node('beads.beads_project_id', 'beads.bead_id') }} as hub
    from episodes
    inner join beads on episodes.episode_key = beads.episode_key
    where episodes.joined_by_bead
    union
    select
        episodes.episode_key,
        'text' as hub_kind,
        {{ text_node('texts.text_hash') }} as hub
    from episodes
    inner join texts on episodes.episode_key = texts.episode_key
    where episodes.joined_by_text
    union
    select
        episodes.episode_key,
        'written_text' as hub_kind,
        {{ group_node('written', 'cast(texts.written_hash as varchar)') }} as hub
    from episodes
    inner join texts on episodes.episode_key = texts.episode_key
    where episodes.joined_by_text

)

select
    episodes.episode_key,
    episodes.session_key,
    episodes.session_started_at,
    episodes.episode_number,
    episodes.node,
    hubs.hub_kind,
    hubs.hub
from hubs
inner join episodes on hubs.episode_key = episodes.episode_key
