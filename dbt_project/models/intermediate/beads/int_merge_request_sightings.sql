{{ config(
    incremental=true,
    unique_key=['beads_project_id', 'merge_request_id', 'sighting_key'],
    touched_key=['beads_project_id', 'merge_request_id', 'sighting_key'],
    touched_sql="{{ sightings_held() }}",
    order_by=['seen_at', 'beads_project_id', 'merge_request_id'],
    statistics=['beads_project_id', 'merge_request_id', 'sighting_key', 'seen_at'],
    tags=['scope:global']
) }}

-- Merge requests are purged an hour after they end; what was written about them elsewhere stays.
{% set id_pattern = '[a-z][a-z0-9_]*-[a-z0-9-]+' %}

with rows_shown as (

    select
        beads.beads_project_id,
        beads.bead_id as merge_request_id,
        'row' as evidence,
        beads.bead_id as sighting_key,
        -- Where no bead was known, older requests name their branch again: `polecat/nux-mkaoonte` wants to merge `nux-mkaoonte`.
        case
            when
                beads.mr_branch = concat('polecat/', beads.mr_source_issue)
                and split_part(beads.mr_source_issue, '-', 1) not in (beads.id_prefix, 'hq')
                then null
            else beads.mr_source_issue
        end as bead_id,
        beads.created_at as seen_at,
        beads.mr_branch as branch,
        beads.mr_worker as worker,
        beads.mr_rig as rig,
        cast(null as varchar) as actor_address
    from {{ part_of(ref('int_beads'), touched(ref('int_beads'))) }} as beads
    {% if is_incremental() %}
    inner join {{ touched(ref('int_beads')) }} as touched_beads
        on beads.beads_project_id = touched_beads.beads_project_id and beads.bead_id = touched_beads.bead_id
    {% endif %}
    where beads.kind = 'merge_request'

),

conflicts as (

    select
        beads.beads_project_id,
        beads.conflict_merge_request as merge_request_id,
        'conflict_task' as evidence,
        beads.bead_id as sighting_key,
        beads.conflict_source_issue as bead_id,
        beads.created_at as seen_at,
        cast(null as varchar) as branch,
        cast(null as varchar) as worker,
        cast(null as varchar) as rig,
        beads.created_by_address as actor_address
    from {{ part_of(ref('int_beads'), touched(ref('int_beads'))) }} as beads
    {% if is_incremental() %}
    inner join {{ touched(ref('int_beads')) }} as touched_beads
        on beads.beads_project_id = touched_beads.beads_project_id and beads.bead_id = touched_beads.bead_id
    {% endif %}
    where beads.conflict_merge_request is not null

),

closings as (

    select
        changes.beads_project_id,
        {{ regex_group('changes.close_reason', '^Merged in (' ~ id_pattern ~ ')', 1) }} as merge_request_id,
        'close_reason' as evidence,
        changes.event_key as sighting_key,
        changes.bead_id,
        changes.occurred_at as seen_at,
        cast(null as varchar) as branch,
        cast(null as varchar) as worker,
        cast(null as varchar) as rig,
        changes.actor_address
    from {{ part_of(ref('fct_bead_events'), touched(ref('fct_bead_events'))) }} as changes
    {% if is_incremental() %}
    inner join {{ touched(ref('fct_bead_events')) }} as touched_beads
        on changes.beads_project_id = touched_beads.beads_project_id and changes.bead_id = touched_beads.bead_id
    {% endif %}
    where changes.is_close and changes.close_reason like 'Merged in %'

),

comments as (

    select
        comments.beads_project_id,
        {{ regex_group('comments.text', 'MR created: *(' ~ id_pattern ~ ')', 1) }} as merge_request_id,
        'comment' as evidence,
        concat(comments.bead_id, '|', comments.comment_id) as sighting_key,
        comments.bead_id,
        comments.created_at as seen_at,
        cast(null as varchar) as branch,
        cast(null as varchar) as worker,
        cast(null as varchar) as rig,
        {{ canonical_address('comments.author') }} as actor_address
    from {{ part_of(ref('stg_beads__comments'), touched(ref('stg_beads__comments'))) }} as comments
    {% if is_incremental() %}
    inner join {{ touched(ref('stg_beads__comments')) }} as touched_comments
        on
            comments.beads_project_id = touched_comments.beads_project_id
            and comments.bead_id = touched_comments.bead_id
            and comments.comment_id = touched_comments.comment_id
    {% endif %}
    where comments.text like '%MR created:%'

),

reports as (

    select
        reports.beads_project_id,
        reports.merge_request_id,
        'agent_bead' as evidence,
        reports.event_key as sighting_key,
        reports.bead_id,
        reports.completed_at as seen_at,
        reports.branch,
        cast(null as varchar) as worker,
        reports.rig,
        reports.agent_address as actor_address
    from {{ part_of(ref('int_agent_reports'), touched(ref('int_agent_reports'))) }} as reports
    {% if is_incremental() %}
    inner join {{ touched(ref('int_agent_reports')) }} as touched_reports
        on
            reports.beads_project_id = touched_reports.beads_project_id
            and reports.agent_bead_id = touched_reports.agent_bead_id
            and reports.event_key = touched_reports.event_key
    {% endif %}
    where reports.merge_request_id is not null

),

sightings as (

    select * from rows_shown
    union all
    select * from conflicts
    union all
    select * from closings
    union all
    select * from comments
    union all
    select * from reports

)

select
    beads_project_id,
    merge_request_id,
    sighting_key,
    evidence,
    bead_id,
    seen_at,
    branch,
    worker,
    rig,
    actor_address
from sightings
where merge_request_id is not null
