{{ config(
    incremental=true,
    unique_key=['beads_project_id', 'bead_id', 'event_key'],
    touched_key=['beads_project_id', 'bead_id'],
    order_by=['bead_first_change_at', 'beads_project_id', 'bead_id', 'change_number_as_recorded'],
    statistics=['beads_project_id', 'bead_id', 'bead_first_change_at', 'recorded_on', 'changed_at_as_recorded'],
    rows_per_file=20000,
    touched_sql="select beads_project_id, bead_id from {{ touched(ref('int_beads')) }}",
    tags=['scope:global']
) }}

-- Agents' own beads live for ever and change often, but have no life to replay: int_agent_reports holds their changes.
{% set touched_keys = 'select beads_project_id, bead_id from ' ~ touched(ref('stg_beads__events'))
    ~ ' union select beads_project_id, bead_id from ' ~ touched(ref('int_beads')) %}
{% set touched_beads %}
    select
        touched_keys.beads_project_id,
        touched_keys.bead_id
    from ({{ touched_keys }}) as touched_keys
    left join {{ part_of(ref('int_beads'), touched_keys) }} as beads
        on touched_keys.beads_project_id = beads.beads_project_id and touched_keys.bead_id = beads.bead_id
    where beads.kind is null or beads.kind <> 'agent'
{% endset %}
-- What pairs with an event's time, the surest first.
-- Clocks differ from UTC by steps of 15 minutes, from -12 to +14 hours; a row is written within 2 seconds of its own event.
{% set pairs = {'next_change': 'next_found_at', 'row_updated': 'row_updated_at', 'row_created': 'row_created_at',
    'row_closed': 'row_closed_at'} %}
{% set step_seconds, tolerance_seconds, furthest_seconds = 900, 2, 50400 %}

with
{% if is_incremental() %}
touched_beads as (

    {{ touched_beads }}

),

{% endif %}
beads as (

    select
        beads.beads_project_id,
        beads.bead_id,
        beads.kind,
        beads.created_at,
        beads.updated_at,
        -- The reaper closes with the server's own clock: its closings prove nothing about that clock.
        case when beads.is_closed and beads.closed_at_zone = 'utc' then beads.closed_at end as closed_at
    from {{ part_of(ref('int_beads'), touched_beads) }} as beads
    {% if is_incremental() %}
    inner join touched_beads
        on beads.beads_project_id = touched_beads.beads_project_id and beads.bead_id = touched_beads.bead_id
    {% endif %}

),

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
        case
            when events.added_notes like '%MERGE REJECTION%' or events.added_notes like '%Merge failure (attempt %'
                then events.added_notes
        end as merge_note,
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
    -- Labels and comments leave the bead's row as it was.
    where events.new_status is not null or events.new_assignee is not null or events.old_updated_at is not null

),

ordered as (

    select
        *,
        cast(row_number() over (
            partition by beads_project_id, bead_id
            order by created_at_as_recorded, event_number nulls last, phase, old_updated_at nulls last, event_id, event_key
        ) as bigint) as change_number_as_recorded,
        min(created_at_as_recorded) over (partition by beads_project_id, bead_id) as bead_first_change_at
    from changes

),

followed as (

    select
        *,
        -- What changed the row left the time of it there (UTC), where the next event found it.
        lead(old_updated_at) over (
            partition by beads_project_id, bead_id
            order by change_number_as_recorded
        ) as next_found_at,
        max(change_number_as_recorded) over (partition by beads_project_id, bead_id) as last_number,
        max(case when event_type = 'closed' then change_number_as_recorded end)
            over (partition by beads_project_id, bead_id) as last_close_number
    from ordered

),

candidates as (

    select
        followed.*,
        case
            when followed.change_number_as_recorded = followed.last_number then beads.updated_at
        end as row_updated_at,
        case when followed.event_type = 'created' then beads.created_at end as row_created_at,
        case
            when followed.change_number_as_recorded = followed.last_close_number then beads.closed_at
        end as row_closed_at
    from followed
    left join beads
        on followed.beads_project_id = beads.beads_project_id and followed.bead_id = beads.bead_id
    where beads.kind is null or beads.kind <> 'agent'

),

differing as (

    select
        *,
        {% for pair in pairs %}{{ seconds_between(pairs[pair], 'created_at_as_recorded') }} as {{ pair }}_seconds,
        {% endfor %}{{ step_seconds }} as step_seconds
    from candidates

),

stepped as (

    select
        *,
        {% for pair in pairs %}cast(step_seconds * round({{ pair }}_seconds / step_seconds) as bigint) as {{ pair }}_offset,
        {% endfor %}is_created_at_server_local is true as is_by_clock
    from differing

),

chosen as (

    select
        *,
        coalesce(
            {% for pair in pairs %}case
                when
                    is_by_clock
                    and abs({{ pair }}_seconds - {{ pair }}_offset) <= {{ tolerance_seconds }}
                    and abs({{ pair }}_offset) <= {{ furthest_seconds }}
                    then '{{ pair }}'
            end,
            {% endfor %}null
        ) as pair
    from stepped

)

select
    beads_project_id,
    bead_id,
    event_key,
    event_id,
    event_number,
    event_type,
    actor,
    closed_shape,
    old_status,
    new_status,
    old_assignee,
    new_assignee,
    close_reason,
    merge_note,
    old_updated_at,
    phase,
    change_number_as_recorded,
    created_at_as_recorded as changed_at_as_recorded,
    is_created_at_server_local as is_changed_at_server_local,
    cast(created_at_as_recorded as date) as recorded_on,
    pair,
    coalesce(
        {% for pair in pairs %}case when pair = '{{ pair }}' then {{ pair }}_offset end,
        {% endfor %}null
    ) as pair_offset_seconds,
    coalesce(
        {% for pair in pairs %}case when pair = '{{ pair }}' then {{ pair }}_seconds end,
        {% endfor %}null
    ) as pair_seconds,
    bead_first_change_at
from chosen
