{{ config(
    unique_key=['session_key'],
    order_by=['session_key[:6]', 'session_started_at', 'session_key'],
    statistics=['session_key', 'session_started_at'],
    tags=['scope:shard']
) }}

-- Such sessions are few: all of them are looked at anew in each build.
{% set lost_sessions %}
    select session_key
    from {{ ref('dim_sessions') }}
    where is_known_from_subagents_only
{% endset %}
{% set messages = part_of(ref('int_messages'), lost_sessions) %}
-- Folders of a path that may be a bead's worktree.
{% set folder_depth = 6 %}

with sessions as (

    select
        session_key,
        town_id,
        started_at
    from {{ ref('dim_sessions') }}
    where is_known_from_subagents_only

),

places as (

    select distinct
        messages.session_key,
        messages.git_branch,
        messages.root_path
    from {{ messages }} as messages
    inner join sessions on messages.session_key = sessions.session_key

),

names as (

    select
        session_key,
        'branch' as bridge,
        {{ branch_bead('git_branch') }} as bead_id
    from places
    union
    select
        session_key,
        'branch_name' as bridge,
        {{ regex_group('git_branch', '([^/]+)$', 1) }} as bead_id
    from places
    where git_branch not like 'polecat/%'
    {% for depth in range(1, folder_depth + 1) -%}
    union
    select
        session_key,
        'folder' as bridge,
        split_part(root_path, '/', {{ depth }}) as bead_id
    from places
    {% endfor %}

),

observed as (

    select distinct
        town_id,
        beads_project_id
    from {{ ref('bridge_town_database') }}

),

found as (

    select
        names.session_key,
        names.bridge,
        beads.beads_project_id,
        beads.bead_id
    from names
    inner join sessions on names.session_key = sessions.session_key
    inner join observed on sessions.town_id = observed.town_id
    inner join {{ ref('int_beads') }} as beads
        on names.bead_id = beads.bead_id and observed.beads_project_id = beads.beads_project_id
    where beads.kind in ('work', 'conflict_task')

),

votes as (

    select
        found.session_key as episode_key,
        found.beads_project_id,
        found.bead_id,
        bridges.family,
        bridges.confidence / count(*) over (partition by found.session_key, found.bridge) as confidence,
        bridges.is_enough_alone,
        bridges.can_be_primary as is_for_primary
    from found
    inner join {{ ref('link_bridges') }} as bridges on found.bridge = bridges.bridge

),

named_sessions as (

    select distinct session_key
    from found

),

primaries as (

    {{ primary_beads('votes') }}

)

select
    sessions.session_key,
    sessions.started_at as session_started_at,
    sessions.town_id,
    primaries.beads_project_id as primary_beads_project_id,
    primaries.bead_id as primary_bead_id,
    primaries.confidence,
    case
        when primaries.bead_id is not null then null
        when named_sessions.session_key is null then 'nothing_named'
        else 'weak_evidence'
    end as unlinked_reason
from sessions
left join primaries on sessions.session_key = primaries.episode_key
left join named_sessions on sessions.session_key = named_sessions.session_key
