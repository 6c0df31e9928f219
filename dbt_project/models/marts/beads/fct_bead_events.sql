{{ config(
    incremental=true,
    unique_key=['beads_project_id', 'bead_id', 'change_number'],
    touched_key=['beads_project_id', 'bead_id'],
    touched_sql="select beads_project_id, bead_id from {{ touched(ref('int_bead_changes')) }}",
    order_by=['bead_first_change_at', 'beads_project_id', 'bead_id', 'change_number'],
    statistics=['beads_project_id', 'bead_id', 'bead_first_change_at', 'occurred_at'],
    rows_per_file=20000,
    tags=['scope:global']
) }}

-- Beads that changed, and beads with changes on days whose clock is now known otherwise.
{% set touched_beads %}
    select
        beads_project_id,
        bead_id
    from {{ touched(ref('int_bead_changes')) }}
    union
    select
        changes.beads_project_id,
        changes.bead_id
    from {{ part_of(ref('int_bead_changes'), touched(ref('int_clock_offsets'))) }} as changes
    inner join {{ touched(ref('int_clock_offsets')) }} as touched_days
        on changes.beads_project_id = touched_days.beads_project_id and changes.recorded_on = touched_days.recorded_on
{% endset %}

with
{% if is_incremental() %}
touched_beads as (

    {{ touched_beads }}

),

{% endif %}
timed as (

    select
        changes.*,
        {{ clock_offset('changes.changed_at_as_recorded', 'offsets', 'changes.pair_offset_seconds') }} as offset_seconds,
        {{ clock_offset_evidence('changes.changed_at_as_recorded', 'offsets', 'changes.pair_offset_seconds') }} as offset_evidence
    from {{ part_of(ref('int_bead_changes'), touched_beads) }} as changes
    {% if is_incremental() %}
    inner join touched_beads
        on changes.beads_project_id = touched_beads.beads_project_id and changes.bead_id = touched_beads.bead_id
    {% endif %}
    left join {{ ref('int_clock_offsets') }} as offsets
        on changes.beads_project_id = offsets.beads_project_id and changes.recorded_on = offsets.recorded_on
    where changes.new_status is not null or changes.new_assignee is not null or changes.merge_note is not null

),

repaired as (

    select
        *,
        case
            when not is_changed_at_server_local then changed_at_as_recorded
            else {{ seconds_added('changed_at_as_recorded', '-offset_seconds') }}
        end as occurred_at,
        case
            when changed_at_as_recorded is null then 'none'
            when not is_changed_at_server_local then 'zone'
            else coalesce(offset_evidence, 'none')
        end as occurred_at_evidence
    from timed

),

ordered as (

    select
        *,
        -- One change whose time is unknown can stand anywhere among those that are known: then the order is the recorded one.
        case
            when count(case when occurred_at is null then 1 end) over (partition by beads_project_id, bead_id) > 0
                then changed_at_as_recorded
            else occurred_at
        end as ordered_at
    from repaired

),

numbered as (

    select
        *,
        cast(row_number() over (
            partition by beads_project_id, bead_id
            order by
                case when event_type = 'created' then 0 else 1 end, ordered_at, event_number nulls last, phase,
                old_updated_at nulls last, event_id, event_key
        ) as bigint) as change_number
    from ordered

),

replayed as (

    select
        *,
        lag(new_status) over (
            partition by beads_project_id, bead_id, new_status is not null
            order by change_number
        ) as replayed_status
    from numbered

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
    {{ canonical_address('old_assignee') }} as from_assignee_address,
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
    case
        when merge_note like '%MERGE REJECTION%' then 'rejected'
        when merge_note is not null then 'failed'
    end as merge_failure,
    coalesce(
        {{ regex_group('merge_note', 'Merge failure [(]attempt [0-9]+[)]: *([a-z_-]+)', 1) }},
        lower({{ description_field('merge_note', 'Failure-Type') }})
    ) as merge_failure_type,
    {{ description_field('merge_note', 'Branch') }} as merge_failure_branch,
    {{ description_field('merge_note', 'Error') }} as merge_failure_reason,
    old_updated_at as row_updated_before_at,
    occurred_at,
    occurred_at_evidence,
    changed_at_as_recorded,
    is_changed_at_server_local,
    bead_first_change_at
from stated
