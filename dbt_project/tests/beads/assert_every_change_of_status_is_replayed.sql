select
    events.beads_project_id,
    events.bead_id,
    events.event_key
from {{ ref('stg_beads__events') }} as events
left join {{ ref('fct_bead_events') }} as changes
    on
        events.beads_project_id = changes.beads_project_id
        and events.bead_id = changes.bead_id
        and events.event_key = changes.event_key
where
    {{ touched_rows(ref('stg_beads__events'), 'events') }}
    and (events.new_status is not null or events.new_assignee is not null)
    and changes.event_key is null
