{{ config(
    incremental=true,
    unique_key=['beads_project_id', 'bead_id', 'change_number'],
    touched_key=['beads_project_id', 'bead_id'],
    order_by=['bead_first_change_at', 'beads_project_id', 'bead_id', 'change_number'],
    statistics=['beads_project_id', 'bead_id', 'bead_first_change_at', 'changed_at_as_recorded'],
    rows_per_file=20000,
    tags=['scope:global']
) }}

{% set touched_beads = 'select distinct beads_project_id, bead_id from ' ~ touched(ref('stg_beads__events')) %}

with
{% if is_incremental() %}
touched_beads as (

    {{ touched_beads }}

),

{% endif %}
changes as (

    select
        events.event_key,
        events.beads_project_id,
        events.bead_id,
        events.event_id,
        events.event_number,
        events.event_type,
        events.actor,
        events.closed_shape,
        events.old_status,
        events.new_status,
        events.old_assignee,
        events.new_assignee,
        events.close_reason,
        events.old_updated_at,
        events.created_at_as_recorded,
        events.is_created_at_server_local,
        -- Within one second: what made the bead first, what left the closed state after what closed it.
        case
            when events.event_type = 'created' then 0
            when events.old_status = 'closed' then 3
            when events.closed_shape = 'close' then 2
            else 1
        end as phase
    from {{ part_of(ref('stg_beads__events'), touched_beads) }} as events
    {% if is_incremental() %}
    inner join touched_beads
        on events.beads_project_id = touched_beads.beads_project_id and events.bead_id = touched_beads.bead_id
    {% endif %}
    where events.new_status is not null or events.new_assignee is not null

),

ordered as (

    select
        *,
        cast(row_number() over (
            partition by beads_project_id, bead_id
            order by created_at_as_recorded, event_number nulls last, phase, old_updated_at nulls last, event_id, event_key
        ) as bigint) as change_number,
        min(created_at_as_recorded) over (partition by beads_project_id, bead_id) as bead_first_change_at
    from changes

),

replayed as (

    select
        *,
        lag(new_status) over (
            partition by beads_project_id, bead_id, new_status is not null
            order by change_number
        ) as replayed_status
    from ordered

),

stated as (

    select
        *,
        case
            when event_type = 'created' then null
            else coalesce(old_status, case when new_status is not null then replayed_status end)
        end as from_status
    from replayed

)

select
    beads_project_id,
    bead_id,
    change_number,
    event_key,
    event_id,
    event_type,
    actor,
    {{ canonical_address('actor') }} as actor_address,
    {{ actor_kind('actor') }} as actor_kind,
    closed_shape,
    from_status,
    new_status as to_status,
    old_assignee as from_assignee,
    nullif(new_assignee, '') as to_assignee,
    {{ canonical_address('new_assignee') }} as to_assignee_address,
    new_assignee is not null and new_assignee = '' as is_unassigned,
    new_status is not null and new_status = 'hooked' as is_hook,
    new_status is not null and new_status = 'closed' as is_close,
    -- The refinery closes again what its polecat closed: the later reason is the truer one.
    new_status is not null and new_status = 'closed' and from_status is not null and from_status = 'closed' as is_closed_again,
    event_type = 'reopened'
    or (from_status is not null and from_status = 'closed' and new_status is not null and new_status <> 'closed') as is_reopen,
    close_reason,
    old_updated_at as row_updated_before_at,
    created_at_as_recorded as changed_at_as_recorded,
    is_created_at_server_local as is_changed_at_server_local,
    bead_first_change_at
from stated
