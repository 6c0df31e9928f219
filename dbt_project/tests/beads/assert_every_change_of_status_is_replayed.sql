-- Agents' own beads have no life to replay.
select
    events.beads_project_id,
    events.bead_id,
    events.event_key
from {{ written(ref('stg_beads__events')) }} as events
left join {{ ref('int_beads') }} as beads
    on events.beads_project_id = beads.beads_project_id and events.bead_id = beads.bead_id
left join {{ ref('fct_bead_events') }} as changes
    on
        events.beads_project_id = changes.beads_project_id
        and events.bead_id = changes.bead_id
        and events.event_key = changes.event_key
where
    {{ touched_rows(ref('stg_beads__events'), 'events') }}
    and (events.new_status is not null or events.new_assignee is not null)
    and (beads.kind is null or beads.kind <> 'agent')
    and changes.event_key is null
