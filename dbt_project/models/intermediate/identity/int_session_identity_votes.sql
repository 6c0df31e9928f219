{{ config(
    incremental=true,
    unique_key=['session_key', 'bridge'],
    touched_key=['session_key'],
    touched_sql="select session_key from {{ touched(ref('int_messages')) }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'bridge'],
    statistics=['session_key', 'session_started_at'],
    rows_per_file=1000,
    tags=['scope:shard']
) }}

{% set hook = 'GAS TOWN[]]? role:([^ ]+) pid:([0-9]+) session:([0-9A-Za-z_./-]+)' %}

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
        sessions.session_id,
        sessions.session_started_at,
        sessions.first_root_path,
        coalesce(role_paths.has_role_paths, false) as has_role_paths
    from {{ part_of(ref('int_sessions'), identity_touched_sessions()) }} as sessions
    left join {{ ref('int_town_role_paths') }} as role_paths on sessions.town_id = role_paths.town_id
    {% if is_incremental() %}
    where sessions.session_key in (select session_key from touched_sessions)
    {% endif %}

),

messages as (

    select
        session_key,
        message_number,
        record_key,
        agent_key,
        role,
        origin,
        injection_kind,
        root_path,
        text_head,
        is_fork_copy,
        recorded_at
    from {{ part_of(ref('int_messages'), identity_touched_sessions()) }}
    {% if is_incremental() %}
    where session_key in (select session_key from touched_sessions)
    {% endif %}

),

-- What a fork copied says where the original ran, so a session's own messages speak before copies.
placed_messages as (

    select
        session_key,
        record_key,
        root_path,
        {{ path_address('root_path') }} as address,
        row_number() over (
            partition by session_key
            order by is_fork_copy, case when agent_key = 'main' then 0 else 1 end, message_number
        ) as place_number,
        is_fork_copy
    from messages
    where root_path is not null

),

first_places as (

    select
        session_key,
        record_key,
        root_path,
        address,
        is_fork_copy
    from placed_messages
    where place_number = 1

),

common_addresses as (

    select
        placed_messages.session_key,
        placed_messages.address,
        min(placed_messages.place_number) as first_place_number,
        row_number() over (
            partition by placed_messages.session_key
            order by count(*) desc, min(placed_messages.place_number)
        ) as address_rank
    from placed_messages
    inner join first_places on placed_messages.session_key = first_places.session_key
    where placed_messages.address is not null and placed_messages.is_fork_copy = first_places.is_fork_copy
    group by placed_messages.session_key, placed_messages.address

),

cwd_votes as (

    select
        sessions.session_key,
        'cwd' as bridge,
        coalesce(first_places.address, common_addresses.address) as address,
        'record' as evidence_kind,
        case when first_places.address is null then later_places.record_key else first_places.record_key end as evidence_key,
        case when first_places.address is null then later_places.root_path else first_places.root_path end as evidence_text,
        case
            when not sessions.has_role_paths then 'no_role_paths'
            when first_places.is_fork_copy then 'copied_by_fork'
        end as rejected_reason,
        first_places.address is null as is_weak
    from sessions
    inner join first_places on sessions.session_key = first_places.session_key
    left join common_addresses
        on sessions.session_key = common_addresses.session_key and common_addresses.address_rank = 1
    left join placed_messages as later_places
        on
            common_addresses.session_key = later_places.session_key
            and common_addresses.first_place_number = later_places.place_number
    where coalesce(first_places.address, common_addresses.address) is not null

),

beacon_votes as (

    select
        beacons.session_key,
        'beacon' as bridge,
        beacons.address,
        'record' as evidence_kind,
        beacons.record_key as evidence_key,
        beacons.recipient as evidence_text,
        case
            when beacons.is_fork_copy then 'copied_by_fork'
            when beacons.address is null then 'unreadable_recipient'
        end as rejected_reason,
        not beacons.is_first_prompt as is_weak
    from {{ part_of(ref('int_session_beacons'), identity_touched_sessions()) }} as beacons
    inner join sessions on beacons.session_key = sessions.session_key

),

hook_lines as (

    select
        messages.session_key,
        messages.record_key,
        messages.is_fork_copy,
        {{ regex_group('messages.text_head', hook, 1) }} as role_text,
        {{ regex_group('messages.text_head', hook, 3) }} as named_session_id,
        sessions.session_id,
        row_number() over (
            partition by messages.session_key
            order by
                case when {{ regex_group('messages.text_head', hook, 3) }} = sessions.session_id then 0 else 1 end,
                messages.is_fork_copy,
                messages.message_number
        ) as line_number
    from messages
    inner join sessions on messages.session_key = sessions.session_key
    -- Only what a hook put there: an agent that runs `gt prime` itself is told some other id.
    where messages.role = 'user' and messages.origin = 'injected' and {{ regex_matches('messages.text_head', hook) }}

),

hook_votes as (

    select
        session_key,
        'hook' as bridge,
        {{ canonical_address('role_text') }} as address,
        'record' as evidence_kind,
        record_key as evidence_key,
        role_text as evidence_text,
        case
            when named_session_id <> session_id then 'other_session_id'
            when is_fork_copy then 'copied_by_fork'
            when {{ canonical_address('role_text') }} is null then 'unreadable_role'
        end as rejected_reason,
        false as is_weak
    from hook_lines
    where line_number = 1

),

started as (

    select
        sessions.session_key,
        starts.event_hash,
        starts.session_role,
        starts.address,
        starts.is_path_agreeing,
        starts.has_cwd,
        starts.root_path,
        first_places.root_path as session_root_path,
        row_number() over (
            partition by sessions.session_key
            order by
                case when starts.is_path_agreeing then 0 else 1 end,
                case when starts.address is null then 1 else 0 end,
                starts.started_at, starts.event_hash, starts.occurrence
        ) as start_number
    from sessions
    inner join {{ part_of(ref('int_session_starts'), identity_session_ids()) }} as starts
        on sessions.town_id = starts.town_id and sessions.session_id = starts.session_id
    left join first_places on sessions.session_key = first_places.session_key

),

session_start_votes as (

    select
        session_key,
        'session_start' as bridge,
        address,
        'town_event' as evidence_kind,
        event_hash as evidence_key,
        session_role as evidence_text,
        case
            when address is null then 'unreadable_role'
            when not has_cwd then 'no_cwd'
            when root_path is not null and session_root_path is not null and root_path = session_root_path then null
            when is_path_agreeing then null
            else 'cwd_differs'
        end as rejected_reason,
        false as is_weak
    from started
    where start_number = 1

),

-- The harness names itself; gt's watcher takes the newest file of a folder, which two sessions may share.
told as (

    select
        sessions.session_key,
        records.origin,
        coalesce(records.agent_address, names.address) as address,
        coalesce(records.tmux_name, records.agent_address) as told_as,
        records.event_hash,
        dense_rank() over (
            partition by sessions.session_key
            order by
                case when coalesce(records.agent_address, names.address) is null then 1 else 0 end,
                records.origin
        ) as origin_rank
    from sessions
    inner join {{ part_of(ref('int_telemetry_sessions'), identity_session_ids()) }} as records
        on sessions.town_id = records.town_id and sessions.session_id = records.session_id
    left join {{ ref('int_tmux_names') }} as names
        on records.town_id = names.town_id and records.tmux_name = names.tmux_name
    where records.tmux_name is not null or records.agent_address is not null

),

telemetry_votes as (

    select
        session_key,
        'telemetry' as bridge,
        min(address) as address,
        'telemetry' as evidence_kind,
        min(event_hash) as evidence_key,
        min(told_as) as evidence_text,
        case
            when min(address) is null then 'unreadable_role'
            when min(address) <> max(address) then 'several_agents'
        end as rejected_reason,
        min(origin) = 'gt' as is_weak
    from told
    where origin_rank = 1
    group by session_key

),

votes as (

    select session_key, bridge, address, evidence_kind, evidence_key, evidence_text, rejected_reason, is_weak from cwd_votes
    union all
    select session_key, bridge, address, evidence_kind, evidence_key, evidence_text, rejected_reason, is_weak from beacon_votes
    union all
    select session_key, bridge, address, evidence_kind, evidence_key, evidence_text, rejected_reason, is_weak from hook_votes
    union all
    select session_key, bridge, address, evidence_kind, evidence_key, evidence_text, rejected_reason, is_weak
    from session_start_votes
    union all
    select session_key, bridge, address, evidence_kind, evidence_key, evidence_text, rejected_reason, is_weak from telemetry_votes

)

select
    votes.session_key,
    sessions.session_started_at,
    votes.bridge,
    cast(bridges.bridge_rank as bigint) as bridge_rank,
    votes.address,
    {{ address_role('votes.address') }} as role,
    {{ address_rig('votes.address') }} as rig,
    {{ address_name('votes.address') }} as name,
    votes.rejected_reason is null as is_accepted,
    votes.rejected_reason,
    case
        when votes.rejected_reason is not null then cast(0 as double)
        when votes.is_weak then cast(bridges.weak_confidence as double)
        else cast(bridges.confidence as double)
    end as confidence,
    votes.evidence_kind,
    votes.evidence_key,
    votes.evidence_text
from votes
inner join sessions on votes.session_key = sessions.session_key
inner join {{ ref('identity_bridges') }} as bridges on votes.bridge = bridges.bridge
