{{ config(
    incremental=true,
    unique_key=['session_key'],
    touched_key=['session_key'],
    order_by=['session_key[:6]', 'started_at', 'session_key'],
    statistics=['session_key', 'town_id', 'session_id', 'started_at', 'ended_at'],
    rows_per_file=500,
    tags=['scope:shard']
) }}

with identities as (

    select
        session_key,
        agent_address,
        role,
        rig,
        name,
        identity_source,
        identity_confidence,
        identity_reason,
        identity_evidence_kind,
        identity_evidence_key,
        identity_vote_count,
        is_identity_agreed
    from {{ part_of(ref('int_session_identities'), touched(ref('int_session_identities'))) }}
    {% if is_incremental() %}
    where session_key in (select session_key from {{ touched(ref('int_session_identities')) }})
    {% endif %}

),

told as (

    select
        town_id,
        session_id,
        max(adapter_id) as adapter_id
    from {{ part_of(ref('int_telemetry_sessions'), identity_session_ids()) }}
    where adapter_id is not null
    group by town_id, session_id

)

select
    sessions.session_key,
    sessions.town_id,
    sessions.harness,
    sessions.session_id,
    identities.agent_address,
    identities.role,
    families.role_family,
    identities.rig,
    identities.name,
    identities.identity_source,
    identities.identity_confidence,
    identities.identity_reason,
    identities.identity_evidence_kind,
    identities.identity_evidence_key,
    identities.identity_vote_count,
    identities.is_identity_agreed,
    sessions.fork_family_key,
    coalesce(sessions.is_fork, false) as is_fork,
    sessions.first_root_path,
    sessions.modal_root_path,
    sessions.root_path_count,
    sessions.git_branches,
    sessions.models,
    coalesce({{ adapter_of('sessions.models') }}, told.adapter_id) as adapter_id,
    sessions.versions,
    sessions.first_prompt_kind,
    beacons.topic as start_topic,
    beacons.sender as start_sender,
    beacons.molecule_id as start_molecule_id,
    sessions.record_count,
    sessions.dropped_record_count,
    sessions.file_count,
    sessions.message_count,
    sessions.main_message_count,
    sessions.assistant_message_count,
    sessions.human_message_count,
    sessions.injected_message_count,
    sessions.tool_call_count,
    sessions.tool_error_count,
    sessions.compaction_count,
    sessions.subagent_count,
    sessions.fork_copy_message_count,
    sessions.has_assistant,
    sessions.is_known_from_subagents_only,
    sessions.session_started_at as started_at,
    sessions.last_recorded_at as ended_at
from {{ part_of(ref('int_sessions'), touched(ref('int_session_identities'))) }} as sessions
inner join identities on sessions.session_key = identities.session_key
left join {{ ref('role_families') }} as families on identities.role = families.role
left join {{ part_of(ref('int_session_beacons'), touched(ref('int_session_identities'))) }} as beacons
    on sessions.session_key = beacons.session_key and not beacons.is_fork_copy
left join told on sessions.town_id = told.town_id and sessions.session_id = told.session_id
