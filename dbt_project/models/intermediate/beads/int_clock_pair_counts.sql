{{ config(
    incremental=true,
    unique_key=['beads_project_id', 'recorded_on', 'offset_seconds'],
    touched_key=['beads_project_id', 'recorded_on'],
    touched_sql="{{ touched_clock_days() }}",
    order_by=['beads_project_id', 'recorded_on'],
    statistics=['beads_project_id', 'recorded_on'],
    tags=['scope:global']
) }}

-- depends_on: {{ ref('stg_beads__events') }}

with
{% if is_incremental() %}
touched_days as (

    {{ touched_clock_days() }}

),

{% endif %}
changes as (

    select
        changes.beads_project_id,
        changes.bead_id,
        changes.recorded_on,
        changes.changed_at_as_recorded,
        changes.pair_offset_seconds,
        changes.pair_seconds
    from {{ part_of(ref('int_bead_changes'), touched_clock_days() if is_incremental() else '') }} as changes
    {% if is_incremental() %}
    inner join touched_days
        on changes.beads_project_id = touched_days.beads_project_id and changes.recorded_on = touched_days.recorded_on
    {% endif %}
    where changes.is_changed_at_server_local and changes.changed_at_as_recorded is not null

)

select
    beads_project_id,
    recorded_on,
    pair_offset_seconds as offset_seconds,
    cast(count(*) as bigint) as change_count,
    -- What an import writes at once is one piece of evidence: its rows bring old times along.
    cast(count(distinct changed_at_as_recorded) as bigint) as moment_count,
    min(pair_seconds) as least_seconds,
    max(pair_seconds) as most_seconds,
    min(changed_at_as_recorded) as first_recorded_at,
    max(changed_at_as_recorded) as last_recorded_at
from changes
group by beads_project_id, recorded_on, pair_offset_seconds
