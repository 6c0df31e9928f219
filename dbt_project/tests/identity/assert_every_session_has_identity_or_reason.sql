select
    sessions.session_key,
    sessions.agent_address,
    sessions.identity_reason
from {{ written(ref('dim_sessions')) }} as sessions
where
    {{ touched_rows(ref('dim_sessions'), 'sessions') }}
    and (
        (sessions.agent_address is null and sessions.identity_reason is null)
        or (sessions.agent_address is not null and sessions.identity_reason is not null)
        or (sessions.agent_address is not null and (sessions.role is null or sessions.identity_confidence is null))
        or (sessions.agent_address is null and (sessions.role is not null or sessions.identity_source is not null))
    )
