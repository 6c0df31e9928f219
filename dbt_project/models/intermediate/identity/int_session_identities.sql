{{ config(
    incremental=true,
    unique_key=['session_key'],
    touched_key=['session_key'],
    order_by=['session_key[:6]', 'session_started_at', 'session_key'],
    statistics=['session_key', 'town_id', 'session_started_at'],
    rows_per_file=500,
    tags=['scope:shard']
) }}

with
{% if is_incremental() %}
touched_sessions as (

    {{ identity_touched_sessions() }}

),

{% endif %}
sessions as (

    select
        sessions.session_key,
        sessions.town_id,
        sessions.session_started_at,
        sessions.last_recorded_at,
        sessions.first_root_path,
        sessions.root_path_count,
        coalesce(role_paths.has_role_paths, false) as has_role_paths
    from {{ part_of(ref('int_sessions'), identity_touched_sessions()) }} as sessions
    left join {{ ref('int_town_role_paths') }} as role_paths on sessions.town_id = role_paths.town_id
    {% if is_incremental() %}
    where sessions.session_key in (select session_key from touched_sessions)
    {% endif %}

),

votes as (

    select
        session_key,
        bridge,
        bridge_rank,
        address,
        confidence,
        evidence_kind,
        evidence_key
    from {{ part_of(ref('int_session_identity_votes'), identity_touched_sessions()) }}
    where
        is_accepted
        {% if is_incremental() %}
        and session_key in (select session_key from touched_sessions)
        {% endif %}

),

tallies as (

    select
        session_key,
        cast(count(*) as bigint) as vote_count,
        cast(count(distinct address) as bigint) as address_count
    from votes
    group by session_key

),

-- The bridges are ordered: the first that says anything decides, the others confirm or dispute.
decisions as (

    select
        *,
        row_number() over (partition by session_key order by bridge_rank) as decision_rank
    from votes

)

select
    sessions.session_key,
    sessions.town_id,
    decisions.address as agent_address,
    {{ address_role('decisions.address') }} as role,
    {{ address_rig('decisions.address') }} as rig,
    {{ address_name('decisions.address') }} as name,
    decisions.bridge as identity_source,
    case
        when decisions.session_key is null then null
        when tallies.address_count > 1 then cast(bridges.disputed_confidence as double)
        when tallies.vote_count > 1 then cast(bridges.agreed_confidence as double)
        else decisions.confidence
    end as identity_confidence,
    case
        when decisions.session_key is not null then null
        when sessions.town_id is null then 'no_town'
        when not sessions.has_role_paths then 'no_role_paths'
        when sessions.first_root_path is null then 'no_cwd'
        when sessions.first_root_path = '.' then 'town_root'
        else 'no_role_folder'
    end as identity_reason,
    decisions.evidence_kind as identity_evidence_kind,
    decisions.evidence_key as identity_evidence_key,
    coalesce(tallies.vote_count, 0) as identity_vote_count,
    case when tallies.vote_count > 1 then tallies.address_count = 1 end as is_identity_agreed,
    sessions.session_started_at,
    sessions.last_recorded_at
from sessions
left join decisions on sessions.session_key = decisions.session_key and decisions.decision_rank = 1
left join tallies on sessions.session_key = tallies.session_key
left join {{ ref('identity_bridges') }} as bridges on decisions.bridge = bridges.bridge
