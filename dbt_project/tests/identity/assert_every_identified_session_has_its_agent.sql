select
    sessions.session_key,
    sessions.agent_address
from {{ written(ref('dim_sessions')) }} as sessions
left join {{ ref('dim_agents') }} as agents
    on sessions.town_id = agents.town_id and sessions.agent_address = agents.address
where
    {{ touched_rows(ref('dim_sessions'), 'sessions') }}
    and sessions.agent_address is not null
    and agents.address is null
