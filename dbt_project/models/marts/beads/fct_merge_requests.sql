{{ config(
    incremental=true,
    unique_key=['beads_project_id', 'merge_request_id'],
    touched_key=['beads_project_id', 'work_id'],
    touched_sql="{{ left_works() }}",
    order_by=['first_seen_at', 'beads_project_id', 'work_id', 'merge_request_id'],
    statistics=['beads_project_id', 'merge_request_id', 'work_id', 'first_seen_at', 'created_at', 'closed_at'],
    tags=['scope:global']
) }}

-- What becomes of one request depends on the life of its bead and on the bead's other requests.
{% set touched_works %}
    select
        beads_project_id,
        bead_id as work_id
    from {{ touched(ref('fct_bead_events')) }}
    union
    select
        requests.beads_project_id,
        requests.work_id
    from {{ part_of(ref('int_merge_requests'), touched(ref('int_merge_requests'))) }} as requests
    inner join {{ touched(ref('int_merge_requests')) }} as touched_requests
        on
            requests.beads_project_id = touched_requests.beads_project_id
            and requests.merge_request_id = touched_requests.merge_request_id
    {{ 'union ' ~ left_works() if is_incremental() }}
{% endset %}
{% set request_keys %}
    select
        requests.beads_project_id,
        requests.merge_request_id as bead_id
    from {{ part_of(ref('int_merge_requests'), touched_works) }} as requests
    {% if is_incremental() %}
    inner join ({{ touched_works }}) as works
        on requests.beads_project_id = works.beads_project_id and requests.work_id = works.work_id
    {% endif %}
{% endset %}

with
{% if is_incremental() %}
touched_works as (

    {{ touched_works }}

),

{% endif %}
requests as (

    select
        requests.*,
        coalesce(requests.created_at, requests.close_reason_at, requests.first_seen_at) as ordered_at
    from {{ part_of(ref('int_merge_requests'), touched_works) }} as requests
    {% if is_incremental() %}
    inner join touched_works
        on requests.beads_project_id = touched_works.beads_project_id and requests.work_id = touched_works.work_id
    {% endif %}

),

chained as (

    select
        *,
        lead(merge_request_id) over (
            partition by beads_project_id, work_id
            order by ordered_at, merge_request_id
        ) as next_merge_request_id,
        lead(ordered_at) over (partition by beads_project_id, work_id order by ordered_at, merge_request_id) as next_ordered_at,
        lead(worker_address) over (
            partition by beads_project_id, work_id
            order by ordered_at, merge_request_id
        ) as next_worker_address,
        cast(row_number() over (
            partition by beads_project_id, work_id
            order by ordered_at, merge_request_id
        ) as bigint) as request_number
    from requests

),

life as (

    select
        changes.beads_project_id,
        changes.bead_id,
        changes.change_number,
        changes.occurred_at,
        changes.actor_address,
        changes.merge_failure,
        changes.merge_failure_type,
        changes.merge_failure_reason,
        changes.is_close and lower(changes.close_reason) like 'merged%' as is_merge,
        changes.is_close and changes.actor_address like '%/refinery' as is_refinery_close
    from {{ part_of(ref('fct_bead_events'), bead_keys_of(touched_works, 'work_id')) }} as changes
    {% if is_incremental() %}
    inner join touched_works
        on changes.beads_project_id = touched_works.beads_project_id and changes.bead_id = touched_works.work_id
    {% endif %}
    where changes.merge_failure is not null or changes.is_close

),

lived as (

    select
        chained.beads_project_id,
        chained.merge_request_id,
        min(case when life.is_merge then life.occurred_at end) as merged_at,
        min(case when life.is_merge then life.actor_address end) as merged_by_address,
        min(case when life.is_refinery_close then life.occurred_at end) as refinery_closed_at,
        min(case when life.merge_failure = 'rejected' then life.occurred_at end) as rejected_at,
        min(case when life.merge_failure = 'rejected' then life.actor_address end) as rejected_by_address,
        min(case when life.merge_failure = 'rejected' then life.merge_failure_reason end) as rejected_reason,
        cast(count(case when life.merge_failure = 'failed' then 1 end) as bigint) as failure_count,
        cast(count(case when life.merge_failure_type = 'conflict' then 1 end) as bigint) as conflict_count
    from chained
    inner join life
        on
            chained.beads_project_id = life.beads_project_id
            and chained.work_id = life.bead_id
            and chained.ordered_at <= life.occurred_at
            and (chained.next_ordered_at is null or chained.next_ordered_at > life.occurred_at)
    group by chained.beads_project_id, chained.merge_request_id

),

rows_shown as (

    select
        beads.beads_project_id,
        beads.bead_id as merge_request_id,
        beads.is_closed,
        beads.is_gone,
        beads.close_reason,
        beads.closed_at,
        beads.closed_at_zone,
        beads.mr_target,
        beads.mr_commit_sha,
        beads.mr_merge_commit,
        beads.mr_retry_count,
        beads.mr_conflict_task_id,
        states.state as row_state,
        {{ regex_group('beads.close_reason', '^superseded by ([a-z][a-z0-9_]*-[a-z0-9-]+)', 1) }} as superseded_by
    from {{ part_of(ref('int_beads'), request_keys) }} as beads
    left join {{ ref('merge_request_states') }} as states
        on lower(beads.close_reason) like concat(states.reason_prefix, '%')
    where beads.kind = 'merge_request'

),

judged as (

    select
        chained.*,
        case
            when rows_shown.is_closed and rows_shown.row_state is not null then rows_shown.row_state
            when chained.is_named_in_close_reason or lived.merged_at is not null then 'merged'
            when lived.rejected_at is not null then 'rejected'
            when chained.next_merge_request_id is not null then 'superseded'
            -- Waiting requests are closed after a day without a word; what is closed is not merged.
            when rows_shown.is_closed or rows_shown.is_gone then 'closed_unexplained'
            when rows_shown.merge_request_id is not null then 'open'
            else 'unknown'
        end as state,
        case
            when rows_shown.is_closed and rows_shown.row_state is not null then 'row'
            when chained.is_named_in_close_reason then 'close_reason'
            when lived.merged_at is not null then 'bead_closed'
            when lived.rejected_at is not null then 'bead_notes'
            when chained.next_merge_request_id is not null then 'next_request'
            when rows_shown.merge_request_id is not null then 'row'
            else 'none'
        end as state_evidence,
        rows_shown.close_reason as row_close_reason,
        rows_shown.superseded_by as row_superseded_by,
        case when rows_shown.closed_at_zone = 'utc' then rows_shown.closed_at end as row_closed_at,
        rows_shown.mr_target as target,
        rows_shown.mr_commit_sha as commit_sha,
        rows_shown.mr_merge_commit as merge_commit,
        rows_shown.mr_retry_count as retry_count,
        rows_shown.mr_conflict_task_id as row_conflict_task_id,
        lived.merged_at,
        lived.merged_by_address,
        lived.refinery_closed_at,
        lived.rejected_at,
        lived.rejected_by_address,
        lived.rejected_reason,
        coalesce(lived.failure_count, 0) as failure_count,
        coalesce(lived.conflict_count, 0) as conflict_count
    from chained
    left join lived
        on chained.beads_project_id = lived.beads_project_id and chained.merge_request_id = lived.merge_request_id
    left join rows_shown
        on chained.beads_project_id = rows_shown.beads_project_id and chained.merge_request_id = rows_shown.merge_request_id

)

select
    beads_project_id,
    merge_request_id,
    work_id,
    bead_id,
    request_number,
    branch,
    worker_address,
    rig,
    state,
    state_evidence,
    coalesce(row_close_reason, case when state = 'rejected' then rejected_reason end) as reason,
    target,
    commit_sha,
    merge_commit,
    created_at,
    coalesce(
        row_closed_at,
        case state
            when 'merged' then coalesce(close_reason_at, merged_at)
            when 'rejected' then rejected_at
            when 'superseded' then next_ordered_at
        end
    ) as closed_at,
    case state
        when 'merged' then coalesce(close_reason_by_address, merged_by_address)
        when 'rejected' then rejected_by_address
        when 'superseded' then next_worker_address
    end as closed_by_address,
    refinery_closed_at,
    retry_count,
    failure_count,
    conflict_count,
    coalesce(row_conflict_task_id, conflict_task_id) as conflict_task_id,
    case when state = 'superseded' then coalesce(row_superseded_by, next_merge_request_id) end as superseded_by,
    evidence,
    evidence_count,
    first_seen_at
from judged
