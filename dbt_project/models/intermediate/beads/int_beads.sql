{{ config(
    incremental=true,
    unique_key=['beads_project_id', 'bead_id'],
    touched_key=['beads_project_id', 'bead_id'],
    order_by=['created_at', 'beads_project_id', 'bead_id'],
    statistics=['beads_project_id', 'bead_id', 'created_at', 'updated_at'],
    rows_per_file=5000,
    tags=['scope:global']
) }}

{% set touched_beads = 'select beads_project_id, bead_id from ' ~ touched(ref('stg_beads__issues'))
    ~ ' union select beads_project_id, bead_id from ' ~ touched(ref('stg_beads__labels')) %}
{% set attachments = ['attached_molecule', 'attached_formula', 'attached_args', 'attached_vars', 'dispatched_by', 'mode',
    'merge_strategy', 'formula_vars'] %}
{% set attachment_flags = ['no_merge', 'review_only', 'convoy_owned'] %}
{% set merge_request_fields = ['branch', 'target', 'source_issue', 'rig', 'commit_sha', 'worker', 'agent_bead', 'last_conflict_sha',
    'conflict_task_id', 'pre_verified_base', 'merge_commit'] %}
{% set agent_fields = ['cleanup_status', 'active_mr', 'notification_level', 'exit_type', 'mr_id', 'branch'] %}
{% set agent_columns = ['role_type', 'agent_state', 'hook_bead', 'rig'] %}
{% set escalation_fields = ['reason', 'source', 'escalated_by', 'acked_by', 'closed_by', 'closed_reason', 'related_bead',
    'original_severity'] %}

with
{% if is_incremental() %}
touched_beads as (

    {{ touched_beads }}

),

{% endif %}
versions as (

    select
        issues.*,
        -- One bead, whatever towns and sources show of it: what is still there before what is gone, the newest before the older.
        row_number() over (
            partition by issues.beads_project_id, issues.bead_id
            order by
                issues.is_current desc, issues.ordered_at desc, issues.source, issues.table_name, issues.observed_at desc,
                issues.record_hash, issues.row_key
        ) as preference,
        min(issues.valid_from) over (partition by issues.beads_project_id, issues.bead_id) as first_observed_at,
        max(issues.valid_to) over (partition by issues.beads_project_id, issues.bead_id) as last_valid_to
    from {{ part_of(ref('stg_beads__issues'), touched_beads) }} as issues
    {% if is_incremental() %}
    inner join touched_beads
        on issues.beads_project_id = touched_beads.beads_project_id and issues.bead_id = touched_beads.bead_id
    {% endif %}
    where issues.change = 'upsert' and (issues.is_last_known or issues.is_current)

),

labels as (

    select
        labels.beads_project_id,
        labels.bead_id,
        -- Labels ever seen: a bead that is purged loses its labels a moment before.
        max(case when labels.label = 'gt:merge-request' then 1 else 0 end) as merge_request,
        max(case when labels.label = 'gt:agent' then 1 else 0 end) as agent,
        max(case when labels.label = 'gt:message' then 1 else 0 end) as message,
        max(case when labels.label = 'gt:escalation' then 1 else 0 end) as escalation,
        max(case when labels.label = 'gt:rig' then 1 else 0 end) as rig,
        max(case when labels.label = 'gt:role' then 1 else 0 end) as role,
        max(case when labels.label = 'gt:sling-context' then 1 else 0 end) as sling_context,
        max(case when labels.label = 'type:plugin-run' then 1 else 0 end) as plugin_run,
        max(case when labels.label = 'gt:task' then 1 else 0 end) as gt_task,
        max(case when labels.label like 'from:%' then substr(labels.label, 6) end) as mail_from,
        max(case when labels.label like 'msg-type:%' then substr(labels.label, 10) end) as mail_type,
        max(case when labels.label like 'thread:%' then substr(labels.label, 8) end) as mail_thread,
        max(case when labels.label like 'severity:%' then substr(labels.label, 10) end) as severity,
        max(case when labels.is_current and labels.label like 'done-intent:%' then substr(labels.label, 13) end) as done_intent
    from {{ part_of(ref('stg_beads__labels'), touched_beads) }} as labels
    {% if is_incremental() %}
    inner join touched_beads
        on labels.beads_project_id = touched_beads.beads_project_id and labels.bead_id = touched_beads.bead_id
    {% endif %}
    where labels.change = 'upsert'
    group by labels.beads_project_id, labels.bead_id

),

chosen as (

    select
        versions.*,
        labels.mail_from,
        labels.mail_type,
        labels.mail_thread,
        labels.severity as label_severity,
        labels.done_intent,
        versions.table_name = 'wisps' or versions.is_ephemeral is true or versions.bead_id like '%-wisp-%' as is_wisp,
        case
            when labels.merge_request = 1 or versions.issue_type = 'merge-request' then 'merge_request'
            -- Older towns wrote merge requests as tasks without any label.
            when versions.title like 'Merge: %'
                and {{ description_field('versions.description', 'branch') }} is not null
                and {{ description_field('versions.description', 'source_issue') }} is not null then 'merge_request'
            when labels.agent = 1 or versions.issue_type = 'agent' then 'agent'
            when labels.escalation = 1 then 'escalation'
            when labels.message = 1 or versions.issue_type = 'message' then 'message'
            when versions.issue_type = 'convoy' or versions.bead_id like '%-cv-%' then 'convoy'
            when versions.issue_type = 'gate' or versions.await_type is not null then 'gate'
            when versions.issue_type = 'molecule' then 'molecule'
            when labels.rig = 1 or versions.issue_type = 'rig' then 'rig'
            when labels.role = 1 or versions.issue_type = 'role' then 'role'
            when versions.issue_type in ('event', 'slot', 'queue') then versions.issue_type
            when labels.sling_context = 1 then 'sling_context'
            when labels.plugin_run = 1 then 'plugin_run'
            when versions.title like 'Resolve merge conflicts: %' then 'conflict_task'
            when versions.title like 'Digest: %' and versions.close_reason like 'Squashed from %' then 'digest'
            when versions.table_name = 'wisps' or versions.is_ephemeral is true or versions.bead_id like '%-wisp-%' then 'wisp'
            else 'work'
        end as kind
    from versions
    left join labels
        on versions.beads_project_id = labels.beads_project_id and versions.bead_id = labels.bead_id
    where versions.preference = 1

),

described as (

    select
        *,
        kind not in ('merge_request', 'agent', 'escalation', 'message') as is_attachable
    from chosen

)

select
    beads_project_id,
    bead_id,
    split_part(bead_id, '-', 1) as id_prefix,
    kind,
    issue_type,
    status,
    title,
    coalesce(priority, 2) as priority,
    assignee,
    {{ canonical_address('assignee') }} as assignee_address,
    {{ actor_kind('assignee') }} as assignee_kind,
    created_by,
    {{ canonical_address('created_by') }} as created_by_address,
    {{ actor_kind('created_by') }} as created_by_kind,
    owner,
    sender,
    external_ref,
    source_system,
    source_repo,
    close_reason,
    closed_by_session,
    mol_type,
    wisp_type,
    work_type,
    event_kind,
    payload,
    await_type,
    await_id,
    timeout_ns,
    waiters,
    rig as rig_column,
    {% for name in attachments %}case
        when is_attachable then {{ description_field('description', name) }}
    end as {{ name }},
    {% endfor %}
    {% for name in attachment_flags %}case
        when is_attachable then {{ to_boolean('lower(' ~ description_field('description', name) ~ ')') }}
    end as is_{{ name }},
    {% endfor %}
    case
        when is_attachable then {{ to_timestamp_utc(description_field('description', 'attached_at')) }}
    end as attached_at,
    case
        when is_attachable or kind = 'merge_request' then {{ description_field('description', 'convoy_id') }}
    end as convoy_id,
    {% for name in merge_request_fields %}case
        when kind = 'merge_request' then {{ description_field('description', name) }}
    end as mr_{{ name }},
    {% endfor %}
    case when kind = 'merge_request' then {{ to_bigint(description_field('description', 'retry_count')) }} end as mr_retry_count,
    case
        when kind = 'merge_request' then {{ to_boolean('lower(' ~ description_field('description', 'pre_verified') ~ ')') }}
    end as is_mr_pre_verified,
    case
        when kind = 'merge_request' then {{ to_timestamp_utc(description_field('description', 'pre_verified_at')) }}
    end as mr_pre_verified_at,
    {% for name in agent_columns %}case
        when kind = 'agent' then coalesce({{ description_field('description', name) }}, {{ name }})
    end as agent_{{ name | replace('agent_', '') }},
    {% endfor %}
    {% for name in agent_fields %}case
        when kind = 'agent' then {{ description_field('description', name) }}
    end as agent_{{ name }},
    {% endfor %}
    {% for name in ['mr_failed', 'push_failed'] %}case
        when kind = 'agent' then {{ to_boolean('lower(' ~ description_field('description', name) ~ ')') }}
    end as is_agent_{{ name }},
    {% endfor %}
    case
        when kind = 'agent' then {{ to_timestamp_utc(description_field('description', 'completion_time')) }}
    end as agent_completed_at,
    done_intent as agent_done_intent,
    case
        when kind = 'escalation' then coalesce({{ description_field('description', 'severity') }}, label_severity)
    end as escalation_severity,
    {% for name in escalation_fields %}case
        when kind = 'escalation' then {{ description_field('description', name) }}
    end as escalation_{{ name | replace('escalated_', 'raised_') }},
    {% endfor %}
    case
        when kind = 'escalation' then {{ to_timestamp_utc(description_field('description', 'escalated_at')) }}
    end as escalation_raised_at,
    case
        when kind = 'escalation' then {{ to_bigint(description_field('description', 'reescalation_count')) }}
    end as escalation_reescalation_count,
    case
        when kind = 'conflict_task' then {{ regex_group('description', 'Original MR: *([^ ]+-[0-9a-z-]+)', 1) }}
    end as conflict_merge_request,
    case
        when kind = 'conflict_task' then {{ regex_group('description', 'Original issue: *([^ ]+-[0-9a-z-]+)', 1) }}
    end as conflict_source_issue,
    mail_from,
    mail_type,
    mail_thread,
    is_wisp as is_ephemeral,
    coalesce(is_pinned, false) as is_pinned,
    coalesce(is_template, false) as is_template,
    not is_current as is_gone,
    status = 'closed' as is_closed,
    -- The reaper closes with the server's NOW(): with its own reason, or a waiting wisp with none at all.
    case
        when closed_at is null then null
        when close_reason like 'stale:auto-closed by reaper%' then 'server_local'
        when is_wisp and close_reason is null and kind <> 'agent' then 'server_local_or_utc'
        else 'utc'
    end as closed_at_zone,
    source,
    table_name,
    created_at,
    updated_at,
    started_at,
    closed_at,
    deleted_at,
    due_at,
    defer_until,
    last_activity as last_activity_at,
    first_observed_at,
    observed_at as last_changed_observed_at,
    case when not is_current then last_valid_to end as gone_at
from described
