{{ config(
    incremental=true,
    unique_key=['beads_project_id', 'bead_id'],
    touched_key=['beads_project_id', 'bead_id'],
    order_by=['created_at', 'beads_project_id', 'bead_id'],
    statistics=['beads_project_id', 'bead_id', 'created_at', 'updated_at', 'clock_day'],
    rows_per_file=5000,
    tags=['scope:global']
) }}

{% set touched_beads %}
    select beads_project_id, bead_id from {{ touched(ref('int_beads')) }}
    union
    select beads_project_id, bead_id from {{ touched(ref('fct_bead_events')) }}
    union
    select beads_project_id, bead_id from {{ touched(ref('fct_attempts')) }}
    union
    select beads_project_id, work_id as bead_id from {{ touched(ref('fct_merge_requests')) }}
    union
    select beads_project_id, bead_id from {{ touched(ref('stg_beads__dependencies')) }}
    union
    select
        beads.beads_project_id,
        beads.bead_id
    from {{ part_of(ref('int_beads'), touched(ref('int_database_rigs'))) }} as beads
    inner join {{ touched(ref('int_database_rigs')) }} as touched_databases
        on beads.beads_project_id = touched_databases.beads_project_id
    {{ 'union ' ~ beads_of_touched_days() if is_incremental() }}
{% endset %}

with
{% if is_incremental() %}
touched_beads as (

    {{ touched_beads }}

),

{% endif %}
beads as (

    select
        beads.*,
        -- The reaper closes with the server's own clock.
        case when beads.closed_at_zone = 'server_local' then cast(beads.closed_at as date) end as clock_day
    from {{ part_of(ref('int_beads'), touched_beads) }} as beads
    {% if is_incremental() %}
    inner join touched_beads
        on beads.beads_project_id = touched_beads.beads_project_id and beads.bead_id = touched_beads.bead_id
    {% endif %}

),

changes as (

    select
        changes.beads_project_id,
        changes.bead_id,
        cast(count(*) as bigint) as change_count,
        cast(count(case when changes.is_close then 1 end) as bigint) as close_count,
        cast(count(case when changes.is_reopen then 1 end) as bigint) as reopen_count,
        min(changes.occurred_at) as first_change_at,
        max(case when changes.is_close then changes.occurred_at end) as last_closed_at,
        max(case when changes.is_reopen then changes.occurred_at end) as last_reopened_at,
        cast(count(case when changes.merge_failure = 'rejected' then 1 end) as bigint) as rejection_count,
        cast(count(case when changes.merge_failure = 'failed' then 1 end) as bigint) as fix_needed_count,
        cast(count(case when changes.merge_failure_type = 'conflict' then 1 end) as bigint) as conflict_count,
        max(case when changes.occurred_at_evidence = 'none' then 1 else 0 end) = 1 as has_unknown_times
    from {{ part_of(ref('fct_bead_events'), touched_beads) }} as changes
    {% if is_incremental() %}
    inner join touched_beads
        on changes.beads_project_id = touched_beads.beads_project_id and changes.bead_id = touched_beads.bead_id
    {% endif %}
    group by changes.beads_project_id, changes.bead_id

),

attempts as (

    select
        attempts.beads_project_id,
        attempts.bead_id,
        cast(count(*) as bigint) as attempt_count,
        cast(count(distinct attempts.assignee) as bigint) as assignee_count,
        min(attempts.hooked_at) as first_hooked_at
    from {{ part_of(ref('fct_attempts'), touched_beads) }} as attempts
    {% if is_incremental() %}
    inner join touched_beads
        on attempts.beads_project_id = touched_beads.beads_project_id and attempts.bead_id = touched_beads.bead_id
    {% endif %}
    group by attempts.beads_project_id, attempts.bead_id

),

requests as (

    select
        requests.beads_project_id,
        requests.bead_id,
        cast(count(*) as bigint) as merge_request_count,
        max(case when requests.state = 'merged' then 1 else 0 end) = 1 as is_merged
    from {{ part_of(ref('fct_merge_requests'), bead_keys_as(touched_beads, 'work_id')) }} as requests
    {% if is_incremental() %}
    inner join touched_beads
        on requests.beads_project_id = touched_beads.beads_project_id and requests.bead_id = touched_beads.bead_id
    {% endif %}
    where requests.bead_id is not null
    group by requests.beads_project_id, requests.bead_id

),

edges as (

    select
        edges.beads_project_id,
        edges.bead_id,
        -- An edge that is there before one that was, whatever source shows it.
        min(case when edges.dependency_type = 'parent-child' and edges.is_current then edges.depends_on_bead_id end) as parent_now,
        min(case when edges.dependency_type = 'parent-child' then edges.depends_on_bead_id end) as parent_ever,
        min(case when edges.dependency_type = 'supersedes' then edges.depends_on_bead_id end) as superseded_by,
        min(case when edges.dependency_type = 'duplicates' then edges.depends_on_bead_id end) as duplicate_of
    from {{ part_of(ref('stg_beads__dependencies'), touched_beads) }} as edges
    {% if is_incremental() %}
    inner join touched_beads
        on edges.beads_project_id = touched_beads.beads_project_id and edges.bead_id = touched_beads.bead_id
    {% endif %}
    where edges.change = 'upsert' and edges.dependency_type in ('parent-child', 'supersedes', 'duplicates')
    group by edges.beads_project_id, edges.bead_id

),

timed as (

    select
        beads.*,
        {{ clock_offset('beads.closed_at', 'offsets') }} as closed_offset_seconds,
        {{ clock_offset_evidence('beads.closed_at', 'offsets') }} as closed_offset_evidence
    from beads
    left join {{ ref('int_clock_offsets') }} as offsets
        on beads.beads_project_id = offsets.beads_project_id and beads.clock_day = offsets.recorded_on

)

select
    timed.beads_project_id,
    timed.bead_id,
    timed.id_prefix,
    timed.kind,
    timed.issue_type,
    timed.status,
    timed.title,
    timed.priority,
    -- A merge request or an agent names its rig; any other bead is its database's, or its worker's where that is the town's.
    coalesce(
        timed.mr_rig, timed.agent_rig, timed.rig_column, databases.rig, {{ address_rig('timed.assignee_address') }}
    ) as rig,
    timed.assignee,
    timed.assignee_address,
    timed.created_by_address,
    timed.dispatched_by,
    timed.close_reason,
    coalesce(edges.parent_now, edges.parent_ever) as parent_bead_id,
    timed.convoy_id,
    timed.attached_molecule as molecule_id,
    timed.merge_strategy,
    edges.superseded_by,
    edges.duplicate_of,
    timed.is_ephemeral,
    timed.is_closed,
    timed.is_gone,
    coalesce(changes.change_count, 0) as change_count,
    coalesce(changes.close_count, 0) as close_count,
    coalesce(changes.reopen_count, 0) as reopen_count,
    coalesce(attempts.attempt_count, 0) as attempt_count,
    coalesce(attempts.assignee_count, 0) as assignee_count,
    coalesce(requests.merge_request_count, 0) as merge_request_count,
    coalesce(requests.is_merged, false) as is_merged,
    coalesce(changes.rejection_count, 0) as rejection_count,
    coalesce(changes.fix_needed_count, 0) as fix_needed_count,
    coalesce(changes.conflict_count, 0) as conflict_count,
    coalesce(changes.has_unknown_times, false) as has_unknown_times,
    timed.created_at,
    timed.updated_at,
    timed.started_at,
    attempts.first_hooked_at,
    changes.first_change_at,
    case
        when timed.closed_at_zone = 'utc' then timed.closed_at
        when timed.closed_at_zone = 'server_local' then {{ seconds_added('timed.closed_at', '-timed.closed_offset_seconds') }}
    end as closed_at,
    case
        when timed.closed_at is null then null
        when timed.closed_at_zone = 'utc' then 'row'
        when timed.closed_at_zone = 'server_local' then timed.closed_offset_evidence
        else 'none'
    end as closed_at_evidence,
    changes.last_closed_at,
    changes.last_reopened_at,
    timed.gone_at,
    timed.clock_day
from timed
left join {{ ref('int_database_rigs') }} as databases on timed.beads_project_id = databases.beads_project_id
left join changes on timed.beads_project_id = changes.beads_project_id and timed.bead_id = changes.bead_id
left join attempts on timed.beads_project_id = attempts.beads_project_id and timed.bead_id = attempts.bead_id
left join requests on timed.beads_project_id = requests.beads_project_id and timed.bead_id = requests.bead_id
left join edges on timed.beads_project_id = edges.beads_project_id and timed.bead_id = edges.bead_id
