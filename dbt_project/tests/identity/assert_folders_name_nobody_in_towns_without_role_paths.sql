select
    votes.session_key,
    votes.address
from {{ written(ref('int_session_identity_votes')) }} as votes
inner join {{ ref('int_session_identities') }} as sessions on votes.session_key = sessions.session_key
left join {{ ref('int_town_role_paths') }} as role_paths on sessions.town_id = role_paths.town_id
where
    {{ touched_rows(ref('int_session_identity_votes'), 'votes') }}
    and votes.bridge = 'cwd'
    and votes.is_accepted
    and coalesce(role_paths.has_role_paths, false) is false
