{{ config(
    incremental=true,
    unique_key=['beads_project_id', 'bead_id', 'attempt_number'],
    touched_key=['beads_project_id', 'bead_id'],
    touched_sql="select beads_project_id, bead_id from {{ touched(ref('fct_bead_events')) }}",
    order_by=['bead_first_change_at', 'beads_project_id', 'bead_id', 'attempt_number'],
    statistics=['beads_project_id', 'bead_id', 'bead_first_change_at', 'attempt_key', 'hooked_at', 'ended_at'],
    tags=['scope:global']
) }}

{% set touched_beads %}
    select
        beads_project_id,
        bead_id
    from {{ touched(ref('fct_bead_events')) }}
    union
    select
        beads_project_id,
        work_id as bead_id
    from {{ touched(ref('fct_merge_requests')) }}
    union
    select
        reports.beads_project_id,
        reports.bead_id
    from {{ part_of(ref('int_agent_reports'), touched(ref('int_agent_reports'))) }} as reports
    inner join {{ touched(ref('int_agent_reports')) }} as touched_reports
        on
            reports.beads_project_id = touched_reports.beads_project_id
            and reports.agent_bead_id = touched_reports.agent_bead_id
            and reports.event_key = touched_reports.event_key
{% endset %}

with
{% if is_incremental() %}
touched_beads as (

    {{ touched_beads }}

),

{% endif %}
changes as (

    select
        changes.*,
        changes.to_assignee is not null or changes.is_unassigned as is_assignment
    from {{ part_of(ref('fct_bead_events'), touched_beads) }} as changes
    {% if is_incremental() %}
    inner join touched_beads
        on changes.beads_project_id = touched_beads.beads_project_id and changes.bead_id = touched_beads.bead_id
    {% endif %}

),

numbered as (

    select
        *,
        count(to_status) over (
            partition by beads_project_id, bead_id order by change_number rows between unbounded preceding and current row
        ) as status_number,
        count(case when is_assignment then 1 end) over (
            partition by beads_project_id, bead_id order by change_number rows between unbounded preceding and current row
        ) as assignment_number
    from changes

),

carried as (

    select
        *,
        max(to_status) over (partition by beads_project_id, bead_id, status_number) as status_after,
        coalesce(
            max(to_assignee) over (partition by beads_project_id, bead_id, assignment_number),
            -- Before the first assignment that was seen, the row told who had the bead.
            case when assignment_number = 0 then from_assignee end
        ) as assignee_after
    from numbered

),

compared as (

    select
        *,
        coalesce(
            from_status,
            lag(status_after) over (partition by beads_project_id, bead_id order by change_number)
        ) as status_before,
        coalesce(
            from_assignee,
            lag(assignee_after) over (partition by beads_project_id, bead_id order by change_number)
        ) as assignee_before
    from carried

),

handled as (

    select
        *,
        coalesce(
            status_before in ('hooked', 'in_progress', 'blocked') and assignee_before is not null, false
        ) as is_in_hands_before,
        coalesce(status_after in ('hooked', 'in_progress', 'blocked') and assignee_after is not null, false) as is_in_hands_after
    from compared

),

bounded as (

    select
        *,
        is_in_hands_after
        and status_after in ('hooked', 'in_progress')
        -- Who hooks again what is in their hands goes on with it.
        and (not is_in_hands_before or assignee_before <> assignee_after) as is_start,
        is_in_hands_before and not is_in_hands_after as is_end
    from handled

),

stretched as (

    select
        *,
        cast(sum(case when is_start then 1 else 0 end) over (
            partition by beads_project_id, bead_id order by change_number rows between unbounded preceding and current row
        ) as bigint) as attempt_number
    from bounded

),

ranked as (

    select
        *,
        row_number() over (
            partition by beads_project_id, bead_id, attempt_number
            order by case when is_end then 0 else 1 end, change_number
        ) as end_choice,
        row_number() over (
            partition by beads_project_id, bead_id, attempt_number
            order by case when is_close then 0 else 1 end, change_number desc
        ) as last_close_choice
    from stretched
    where attempt_number > 0

),

stretches as (

    select
        beads_project_id,
        bead_id,
        attempt_number,
        max(case when is_start then event_key end) as start_event_key,
        max(case when is_start then case when status_after = 'hooked' then 'hooked' else 'claimed' end end) as start_kind,
        max(case when is_start then assignee_after end) as assignee,
        max(case when is_start then actor_address end) as started_by_address,
        max(case when is_start then occurred_at end) as hooked_at,
        min(case when status_after = 'in_progress' then occurred_at end) as in_progress_at,
        max(case when is_end and end_choice = 1 then case when is_close then 'closed' else 'unhooked' end end) as own_end_kind,
        max(case when is_end and end_choice = 1 then occurred_at end) as own_ended_at,
        max(case when is_end and end_choice = 1 then actor_address end) as ended_by_address,
        max(case when is_end and end_choice = 1 then close_reason end) as first_close_reason,
        max(case when is_close and last_close_choice = 1 then close_reason end) as close_reason,
        max(case when is_close and last_close_choice = 1 then actor_address end) as closed_by_address,
        max(case when is_close and last_close_choice = 1 then occurred_at end) as last_closed_at,
        cast(count(case when is_close then 1 end) as bigint) as close_count,
        cast(count(case when is_reopen then 1 end) as bigint) as reopen_count,
        min(case when is_reopen then occurred_at end) as reopened_at,
        min(case when is_reopen then actor_address end) as reopened_by_address,
        cast(count(case when merge_failure = 'rejected' then 1 end) as bigint) as rejection_count,
        cast(count(case when merge_failure = 'failed' then 1 end) as bigint) as fix_needed_count,
        cast(count(case when merge_failure_type = 'conflict' then 1 end) as bigint) as conflict_count,
        min(bead_first_change_at) as bead_first_change_at
    from ranked
    group by beads_project_id, bead_id, attempt_number

),

followed as (

    select
        *,
        {{ canonical_address('assignee') }} as assignee_address,
        lead(hooked_at) over (partition by beads_project_id, bead_id order by attempt_number) as next_hooked_at,
        lead(started_by_address) over (partition by beads_project_id, bead_id order by attempt_number) as next_started_by_address,
        max(attempt_number) over (partition by beads_project_id, bead_id) as attempt_count
    from stretches

),

reports as (

    select
        followed.beads_project_id,
        followed.bead_id,
        followed.attempt_number,
        reports.exit_type,
        reports.branch,
        reports.merge_request_id,
        reports.is_push_failed,
        reports.is_mr_failed,
        reports.completed_at,
        row_number() over (
            partition by followed.beads_project_id, followed.bead_id, followed.attempt_number
            order by reports.completed_at desc, reports.changed_at_as_recorded, reports.event_key
        ) as choice
    from followed
    inner join {{ part_of(ref('int_agent_reports'), touched_beads) }} as reports
        on
            followed.beads_project_id = reports.beads_project_id
            and followed.bead_id = reports.bead_id
            and followed.assignee_address = reports.agent_address
            and followed.hooked_at <= reports.completed_at
            and (followed.next_hooked_at is null or followed.next_hooked_at > reports.completed_at)
    where reports.exit_type is not null

),

requests as (

    select
        followed.beads_project_id,
        followed.bead_id,
        followed.attempt_number,
        requests.merge_request_id,
        requests.branch,
        row_number() over (
            partition by followed.beads_project_id, followed.bead_id, followed.attempt_number
            order by requests.request_number desc
        ) as choice,
        count(*) over (partition by followed.beads_project_id, followed.bead_id, followed.attempt_number) as request_count
    from followed
    inner join {{ part_of(ref('fct_merge_requests'), bead_keys_as(touched_beads, 'work_id')) }} as requests
        on
            followed.beads_project_id = requests.beads_project_id
            and followed.bead_id = requests.bead_id
            and (requests.worker_address is null or followed.assignee_address = requests.worker_address)
            and followed.hooked_at <= coalesce(requests.created_at, requests.closed_at)
            and (followed.next_hooked_at is null or followed.next_hooked_at > coalesce(requests.created_at, requests.closed_at))

)

select
    {{ text_hash("concat_ws('|', followed.beads_project_id, followed.bead_id, followed.start_event_key)") }} as attempt_key,
    followed.beads_project_id,
    followed.bead_id,
    followed.attempt_number,
    followed.start_kind,
    followed.assignee,
    followed.assignee_address,
    followed.started_by_address,
    followed.hooked_at,
    followed.in_progress_at,
    coalesce(followed.own_ended_at, followed.next_hooked_at) as ended_at,
    case
        when followed.own_end_kind is not null then followed.own_end_kind
        when followed.attempt_number < followed.attempt_count then 'rehooked'
        else 'open'
    end as end_kind,
    case
        when followed.own_end_kind is not null then followed.ended_by_address
        else followed.next_started_by_address
    end as ended_by_address,
    followed.first_close_reason,
    followed.close_reason,
    followed.closed_by_address,
    followed.last_closed_at,
    followed.close_count,
    followed.reopen_count,
    followed.reopened_at,
    followed.reopened_by_address,
    followed.rejection_count,
    followed.fix_needed_count,
    followed.conflict_count,
    followed.attempt_number = followed.attempt_count as is_last_attempt,
    reports.exit_type,
    reports.completed_at as exited_at,
    reports.is_push_failed,
    reports.is_mr_failed,
    coalesce(reports.branch, requests.branch) as branch,
    coalesce(requests.merge_request_id, reports.merge_request_id) as merge_request_id,
    cast(coalesce(requests.request_count, 0) as bigint) as merge_request_count,
    followed.bead_first_change_at
from followed
left join reports
    on
        followed.beads_project_id = reports.beads_project_id
        and followed.bead_id = reports.bead_id
        and followed.attempt_number = reports.attempt_number
        and reports.choice = 1
left join requests
    on
        followed.beads_project_id = requests.beads_project_id
        and followed.bead_id = requests.bead_id
        and followed.attempt_number = requests.attempt_number
        and requests.choice = 1
