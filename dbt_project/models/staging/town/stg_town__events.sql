{{ config(
    materialized='delta',
    incremental=true,
    unique_key=['town_id', 'event_hash', 'occurrence'],
    order_by=['recorded_at', 'town_id', 'event_hash', 'occurrence'],
    statistics=['town_id', 'event_hash', 'session_id', 'bead_id', 'recorded_at', 'load_seq'],
    rows_per_file=20000
) }}

with new_events as (

    select
        *,
        {{ json_to_struct('record', {
            'source': 'VARCHAR',
            'visibility': 'VARCHAR',
            'payload': {
                'bead': 'VARCHAR',
                'target': 'VARCHAR',
                'to': 'VARCHAR',
                'branch': 'VARCHAR',
                'session_id': 'VARCHAR',
                'role': 'VARCHAR',
                'actor_pid': 'VARCHAR',
                'cwd': 'VARCHAR',
                'topic': 'VARCHAR',
                'reason': 'VARCHAR',
                'caller': 'VARCHAR',
                'subject': 'VARCHAR',
                'message': 'VARCHAR',
                'error': 'VARCHAR',
                'possible_cause': 'VARCHAR',
                'rig': 'VARCHAR',
                'polecat': 'VARCHAR',
                'polecat_count': 'VARCHAR',
                'status': 'VARCHAR',
                'issue': 'VARCHAR',
                'mr': 'VARCHAR',
                'worker': 'VARCHAR',
                'session': 'VARCHAR',
                'agent': 'VARCHAR',
                'to_session': 'VARCHAR',
                'count': 'VARCHAR',
                'window': 'VARCHAR',
                'agents': 'VARCHAR',
                'services': 'VARCHAR',
                'sessions': 'VARCHAR',
                'escalation_id': 'VARCHAR',
                'severity': 'VARCHAR',
                'acked_by': 'VARCHAR',
                'closed_by': 'VARCHAR',
            },
        }) }} as fields
    from {{ source('raw', 'town_events') }}
    where {{ new_rows() }}

),

named as (

    select
        town_id,
        event_hash,
        occurrence,
        load_seq,
        event_type,
        nullif(actor, '') as actor,
        nullif(fields.source, '') as event_source,
        nullif(fields.visibility, '') as visibility,
        nullif(fields.payload.bead, '') as payload_bead,
        nullif(fields.payload.issue, '') as issue,
        coalesce(nullif(fields.payload.target, ''), nullif(fields.payload.to, '')) as target,
        nullif(fields.payload.rig, '') as payload_rig,
        nullif(fields.payload.polecat, '') as polecat,
        nullif(fields.payload.branch, '') as branch,
        nullif(fields.payload.session_id, '') as session_id,
        nullif(fields.payload.role, '') as session_role,
        nullif(fields.payload.actor_pid, '') as actor_pid,
        nullif(fields.payload.cwd, '') as cwd,
        nullif(fields.payload.topic, '') as topic,
        nullif(fields.payload.subject, '') as subject,
        nullif(fields.payload.reason, '') as reason,
        nullif(fields.payload.message, '') as message,
        nullif(fields.payload.error, '') as error,
        nullif(fields.payload.caller, '') as caller,
        nullif(fields.payload.possible_cause, '') as possible_cause,
        nullif(fields.payload.status, '') as checked_status,
        nullif(fields.payload.mr, '') as merge_request_id,
        nullif(fields.payload.worker, '') as worker,
        nullif(fields.payload.session, '') as tmux_name,
        nullif(fields.payload.agent, '') as agent,
        {{ to_boolean('fields.payload.to_session') }} as is_to_session,
        {{ to_bigint('fields.payload.count') }} as death_count,
        nullif(fields.payload.window, '') as death_window,
        {{ to_bigint('fields.payload.polecat_count') }} as polecat_count,
        nullif(fields.payload.agents, '') as agents_json,
        nullif(fields.payload.services, '') as services_json,
        nullif(fields.payload.sessions, '') as tmux_names_json,
        nullif(fields.payload.escalation_id, '') as escalation_id,
        nullif(fields.payload.severity, '') as severity,
        nullif(fields.payload.acked_by, '') as acked_by,
        nullif(fields.payload.closed_by, '') as closed_by,
        recorded_at
    from new_events

)

select
    town_id,
    event_hash,
    occurrence,
    load_seq,
    event_type,
    event_source,
    visibility,
    actor,
    {{ actor_kind('actor') }} as actor_kind,
    {{ canonical_address('actor') }} as actor_address,
    coalesce(payload_bead, issue) as bead_id,
    -- A branch without an issue is announced with its own name in the place of a bead.
    payload_bead is not null and branch is not null and branch = concat('polecat/', payload_bead) as is_bead_a_branch,
    target,
    case
        when event_type in ('nudge', 'polecat_nudged', 'escalation_sent', 'kill')
            and payload_rig is not null and target is not null and {{ canonical_address('target') }} is null
            and target not like '%/%'
            then case
                when target in ('witness', 'refinery') then concat(payload_rig, '/', target)
                else concat(payload_rig, '/polecats/', target)
            end
        else {{ canonical_address('target') }}
    end as target_address,
    payload_rig as rig,
    polecat,
    case when payload_rig is not null and polecat is not null then concat(payload_rig, '/polecats/', polecat) end as polecat_address,
    branch,
    session_id,
    session_role,
    {{ canonical_address('session_role') }} as session_address,
    actor_pid,
    {{ role_folder('cwd') }} as root_path,
    cwd is not null as has_cwd,
    topic,
    subject,
    reason,
    message,
    error,
    caller,
    possible_cause,
    checked_status,
    merge_request_id,
    worker,
    tmux_name,
    agent,
    {{ canonical_address('agent') }} as agent_address,
    is_to_session,
    death_count,
    death_window,
    polecat_count,
    agents_json,
    services_json,
    tmux_names_json,
    escalation_id,
    severity,
    acked_by,
    closed_by,
    recorded_at
from named
