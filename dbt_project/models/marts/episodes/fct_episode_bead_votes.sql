{{ config(
    incremental=true,
    unique_key=['episode_key', 'beads_project_id', 'bead_id', 'bridge'],
    touched_key=['session_key'],
    touched_sql="{{ renamed_sessions() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'episode_key', 'session_started_at'],
    rows_per_file=2500,
    tags=['scope:shard']
) }}

{% set touched_sessions = renamed_sessions() %}
{% set mentions = part_of(ref('int_episode_bead_mentions'), touched_sessions) %}
{% set signals = part_of(ref('int_episode_bead_signals'), touched_sessions) %}
-- What leads to a bead by its own name, and merge requests by the commits that git printed.
{% set requests = part_of(ref('fct_merge_requests'), 'select name as merge_request_id from ' ~ mentions) %}
{% set requests_of_branches = part_of(ref('fct_merge_requests'), 'select name as branch from ' ~ mentions) %}
{% set requests_of_commits = part_of(
    ref('fct_merge_requests'),
    'select commit_sha from ' ~ ref('fct_merge_requests') ~ ' where left(commit_sha, 7) in (select name from ' ~ mentions ~ ')'
) %}
{% set carriers = part_of(ref('int_beads'), 'select name as attached_molecule from ' ~ mentions) %}
-- Every bead that may be meant.
{% set bead_ids = [
    'select name as bead_id from ' ~ mentions,
    'select ' ~ branch_bead('name') ~ ' as bead_id from ' ~ mentions,
    'select name as bead_id from ' ~ signals,
    'select bead_id from ' ~ requests,
    'select bead_id from ' ~ requests_of_branches,
    'select bead_id from ' ~ requests_of_commits,
    'select bead_id from ' ~ carriers,
] | join(' union ') %}

with
{% if is_incremental() %}
touched_sessions as (

    {{ touched_sessions }}

),

{% endif %}
episodes as (

    select
        episodes.episode_key,
        episodes.session_key,
        episodes.session_started_at,
        episodes.town_id,
        -- Where the agent stands and what it has in hand is no reason to think that a question or a mail is about that.
        episodes.kind in ('question', 'mail', 'cycle') as is_beside_work,
        coalesce(rigs.beads_project_id, '') as rig_beads_project_id
    from {{ part_of(ref('fct_episodes'), touched_sessions) }} as episodes
    left join {{ ref('dim_rigs') }} as rigs on episodes.town_id = rigs.town_id and episodes.rig = rigs.rig
    {% if is_incremental() %}
    where episodes.session_key in (select session_key from touched_sessions)
    {% endif %}

),

observed as (

    select distinct
        town_id,
        beads_project_id
    from {{ ref('bridge_town_database') }}

),

mentions as (

    select
        episodes.episode_key,
        episodes.town_id,
        mentions.bridge,
        mentions.named_by,
        mentions.name,
        mentions.evidence_kind,
        mentions.evidence_key
    from {{ mentions }} as mentions
    inner join episodes on mentions.episode_key = episodes.episode_key

),

-- What leads to a bead: its merge request, that request's branch or commit, its molecule.
leads as (

    select
        beads_project_id,
        'merge_request' as named_by,
        merge_request_id as name,
        bead_id
    from {{ requests }}
    union
    select
        beads_project_id,
        'branch' as named_by,
        branch as name,
        bead_id
    from {{ requests_of_branches }}
    union
    select
        beads_project_id,
        'commit' as named_by,
        left(commit_sha, 7) as name,
        bead_id
    from {{ requests_of_commits }}
    union
    select
        beads_project_id,
        'molecule' as named_by,
        attached_molecule as name,
        bead_id
    from {{ carriers }}

),

named as (

    select
        episode_key,
        bridge,
        cast(null as varchar) as beads_project_id,
        name as bead_id,
        evidence_kind,
        evidence_key
    from mentions
    where named_by in ('bead', 'molecule')
    union all
    select
        episode_key,
        bridge,
        cast(null as varchar) as beads_project_id,
        {{ branch_bead('name') }} as bead_id,
        evidence_kind,
        evidence_key
    from mentions
    where named_by = 'branch' and bridge = 'branch_argument'
    union all
    select
        mentions.episode_key,
        mentions.bridge,
        leads.beads_project_id,
        leads.bead_id,
        mentions.evidence_kind,
        mentions.evidence_key
    from mentions
    inner join leads on mentions.named_by = leads.named_by and mentions.name = leads.name
    inner join observed on leads.beads_project_id = observed.beads_project_id and mentions.town_id = observed.town_id
    union all
    select
        signals.episode_key,
        signals.bridge,
        signals.beads_project_id,
        signals.name as bead_id,
        signals.evidence_kind,
        signals.evidence_key
    from {{ signals }} as signals
    inner join episodes on signals.episode_key = episodes.episode_key

),

known as (

    select
        observed.town_id,
        beads.beads_project_id,
        beads.bead_id,
        beads.kind
    from {{ part_of(ref('int_beads'), bead_ids) }} as beads
    inner join observed on beads.beads_project_id = observed.beads_project_id

),

-- An id counts when a database that the session's town sees holds it; of several, the one of the episode's rig.
found as (

    select
        named.episode_key,
        named.bridge,
        named.bead_id,
        named.evidence_kind,
        named.evidence_key,
        known.beads_project_id,
        known.kind,
        row_number() over (
            partition by named.episode_key, named.bridge, named.bead_id
            order by
                case when known.beads_project_id is null then 1 else 0 end,
                case when known.beads_project_id = episodes.rig_beads_project_id then 0 else 1 end,
                known.beads_project_id, named.evidence_key
        ) as preference,
        min(known.beads_project_id) over (partition by named.episode_key, named.bridge, named.bead_id) as first_project_id,
        max(known.beads_project_id) over (partition by named.episode_key, named.bridge, named.bead_id) as last_project_id,
        coalesce(known.beads_project_id = episodes.rig_beads_project_id, false) as is_of_rig,
        episodes.is_beside_work
    from named
    inner join episodes on named.episode_key = episodes.episode_key
    left join known
        on
            episodes.town_id = known.town_id
            and named.bead_id = known.bead_id
            and (named.beads_project_id is null or named.beads_project_id = known.beads_project_id)
    where named.bead_id is not null

),

judged as (

    select
        found.*,
        bridges.family,
        bridges.confidence as bridge_confidence,
        bridges.is_enough_alone as is_bridge_enough,
        bridges.can_be_primary and (bridges.can_contribute or not found.is_beside_work) as can_be_primary,
        bridges.can_contribute,
        case
            when found.beads_project_id is null then 'unknown_bead'
            when found.first_project_id <> found.last_project_id and not found.is_of_rig then 'ambiguous_bead'
        end as refused_reason,
        found.kind in ('work', 'conflict_task') as is_work,
        -- Mails and agents' own beads are no work, though they change along with it.
        found.kind in ('message', 'agent', 'rig', 'role') as is_bookkeeping
    from found
    inner join {{ ref('link_bridges') }} as bridges on found.bridge = bridges.bridge
    where
        found.preference = 1
        -- Words that only look like an id are no votes.
        and (bridges.is_meant or found.beads_project_id is not null)

),

aimed as (

    select
        *,
        refused_reason is null and can_be_primary and is_work as is_for_primary
    from judged

),

counted as (

    select
        *,
        cast(count(*) over (partition by episode_key, bridge, is_for_primary) as bigint) as named_bead_count
    from aimed

)

select
    counted.episode_key,
    episodes.session_key,
    episodes.session_started_at,
    counted.beads_project_id,
    counted.bead_id,
    counted.bridge,
    counted.family,
    case
        when counted.refused_reason is not null then cast(0 as double)
        -- What names several beads says as much less about each.
        when counted.is_for_primary then round(counted.bridge_confidence / counted.named_bead_count, 4)
        else counted.bridge_confidence
    end as confidence,
    counted.is_for_primary,
    counted.is_for_primary and counted.is_bridge_enough and counted.named_bead_count = 1 as is_enough_alone,
    counted.refused_reason is null and counted.can_contribute and not counted.is_bookkeeping as is_handled,
    counted.refused_reason,
    counted.evidence_kind,
    counted.evidence_key
from counted
inner join episodes on counted.episode_key = episodes.episode_key
