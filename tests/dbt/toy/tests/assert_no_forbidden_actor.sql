select actor
from {{ ref('int_actors_seen') }} as seen
where actor = 'forbidden' and {{ touched_rows(ref('int_actors_seen'), 'seen') }}
