select sessions.session_key
from {{ written(ref('int_sessions')) }} as sessions
left join {{ ref('dim_sessions') }} as kept on sessions.session_key = kept.session_key
where {{ touched_rows(ref('int_sessions'), 'sessions') }} and kept.session_key is null
