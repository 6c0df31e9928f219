{{ config(
    incremental=true,
    unique_key=['beads_project_id', 'merge_request_id'],
    touched_key=['beads_project_id', 'merge_request_id'],
    touched_sql="select beads_project_id, merge_request_id from {{ touched(ref('int_merge_request_sightings')) }}",
    order_by=['first_seen_at', 'beads_project_id', 'merge_request_id'],
    statistics=['beads_project_id', 'merge_request_id', 'bead_id', 'first_seen_at'],
    tags=['scope:global']
) }}

{% set touched_requests = 'select distinct beads_project_id, merge_request_id from '
    ~ touched(ref('int_merge_request_sightings')) %}

with
{% if is_incremental() %}
touched_requests as (

    {{ touched_requests }}

),

{% endif %}
sightings as (

    select
        sightings.*,
        case sightings.evidence
            when 'row' then 1 when 'comment' then 2 when 'agent_bead' then 3 when 'close_reason' then 4 else 5
        end as preference,
        coalesce(sightings.worker, {{ regex_group('sightings.branch', '^polecat/([^/]+)/', 1) }}) as row_worker
    from {{ part_of(ref('int_merge_request_sightings'), touched_requests) }} as sightings
    {% if is_incremental() %}
    inner join touched_requests
        on
            sightings.beads_project_id = touched_requests.beads_project_id
            and sightings.merge_request_id = touched_requests.merge_request_id
    {% endif %}

),

ranked as (

    select
        *,
        -- One reason may close several beads (an epic with its last task): the one that was closed first is the work.
        row_number() over (
            partition by beads_project_id, merge_request_id
            order by case when bead_id is null then 1 else 0 end, preference, seen_at, sighting_key
        ) as bead_choice
    from sightings

)

select
    beads_project_id,
    merge_request_id,
    max(case when bead_choice = 1 then bead_id end) as bead_id,
    -- What its chain of requests belongs to, also when no bead is known.
    coalesce(max(case when bead_choice = 1 then bead_id end), merge_request_id) as work_id,
    max(branch) as branch,
    coalesce(max(rig), min(case when evidence = 'comment' then {{ address_rig('actor_address') }} end)) as rig,
    coalesce(
        min(case when evidence = 'agent_bead' then actor_address end),
        min(case when evidence = 'comment' then actor_address end),
        -- A row names its worker without the rig, or not at all; then its branch does.
        min(case when evidence = 'row' then {{ local_address('rig', 'row_worker') }} end)
    ) as worker_address,
    -- The row's own time, else what was written when the request was made.
    coalesce(
        min(case when evidence = 'row' then seen_at end),
        min(case when evidence in ('comment', 'agent_bead') then seen_at end)
    ) as created_at,
    max(case when evidence = 'close_reason' then 1 else 0 end) = 1 as is_named_in_close_reason,
    min(case when evidence = 'close_reason' then seen_at end) as close_reason_at,
    min(case when evidence = 'close_reason' then actor_address end) as close_reason_by_address,
    min(case when evidence = 'conflict_task' then sighting_key end) as conflict_task_id,
    cast(count(distinct case when evidence = 'conflict_task' then sighting_key end) as bigint) as conflict_task_count,
    case min(preference)
        when 1 then 'row' when 2 then 'comment' when 3 then 'agent_bead' when 4 then 'close_reason' else 'conflict_task'
    end as evidence,
    cast(count(distinct evidence) as bigint) as evidence_count,
    min(seen_at) as first_seen_at
from ranked
group by beads_project_id, merge_request_id
