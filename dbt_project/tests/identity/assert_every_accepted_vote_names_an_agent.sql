select
    votes.session_key,
    votes.bridge,
    votes.address
from {{ written(ref('int_session_identity_votes')) }} as votes
where
    {{ touched_rows(ref('int_session_identity_votes'), 'votes') }}
    and votes.is_accepted
    and (votes.address is null or votes.role is null or votes.confidence <= 0)
