{{ config(
    incremental=true,
    unique_key=['episode_key', 'component'],
    touched_key=['session_key'],
    touched_sql="{{ touched_component_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key', 'component'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key'],
    rows_per_file=2500,
    tags=['scope:shard'],
) }}

{% set touched_sessions = touched_component_sessions_sql() if is_incremental() else '' %}

with episodes as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        town_id,
        role_family,
        human_message_count,
        {{ month_before('started_at') }} as median_month
    from {{ part_of(ref('fct_episodes'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

outcomes as (

    select
        episode_key,
        outcome,
        upper(exit_type) as exit_type,
        bead_id,
        attempt_key,
        merge_request_id,
        attempt_count,
        reopen_count,
        conflict_count,
        fix_needed_count,
        has_autosaved_leftovers
    from {{ part_of(ref('fct_outcomes'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

-- The first evidence that says how it ended.
exits as (

    select
        reports.episode_key,
        reports.source,
        reports.evidence_key,
        row_number() over (partition by reports.episode_key order by reports.evidence_number) as preference
    from {{ part_of(ref('fct_outcome_evidence'), touched_sessions) }} as reports
    inner join outcomes on reports.episode_key = outcomes.episode_key
    where
        reports.kind = 'exit'
        and upper(reports.says) like concat(outcomes.exit_type, '%')
        and {{ session_rows(touched_sessions, 'reports') }}

),

signals as (

    select * from {{ part_of(ref('int_episode_signals'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

evidence as (

    select
        episode_key,
        component,
        min(source) as source,
        min(evidence_id) as evidence_id,
        cast(sum(trust * value) as double) / nullif(cast(sum(trust) as double), 0) as value,
        cast(sum(trust) as double) / count(*) as trust
    from {{ part_of(ref('int_score_evidence'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}
    group by episode_key, component

),

facts as (

    select
        episodes.episode_key,
        episodes.session_key,
        episodes.session_started_on,
        episodes.session_started_at,
        episodes.human_message_count,
        weights.component,
        weights.weight,
        outcomes.outcome,
        outcomes.exit_type,
        outcomes.bead_id,
        outcomes.attempt_key,
        outcomes.merge_request_id,
        coalesce(outcomes.outcome in ('merged', 'direct_merge', 'merged_kept', 'merged_reopened'), false) as is_merged,
        coalesce(
            outcomes.outcome = 'conflict_left'
            or (outcomes.merge_request_id is not null and outcomes.outcome in ('rejected', 'superseded', 'sent_back')), false
        ) as is_merge_failed,
        coalesce(outcomes.attempt_count, 0) as attempt_count,
        coalesce(outcomes.reopen_count, 0) as reopen_count,
        coalesce(outcomes.conflict_count, 0) + coalesce(outcomes.fix_needed_count, 0)
        + case when outcomes.has_autosaved_leftovers then 1 else 0 end as blemish_count,
        exit_values.value as exit_value,
        exits.source as exit_source,
        exits.evidence_key as exit_id,
        coalesce(signals.tool_call_count, 0) as tool_call_count,
        coalesce(signals.tool_failure_count, 0) as tool_failure_count,
        coalesce(signals.new_failure_count, 0) as new_failure_count,
        coalesce(signals.loop_call_count, 0) as loop_call_count,
        coalesce(signals.self_correction_count, 0) as self_correction_count,
        coalesce(signals.edit_count, 0) as edit_count,
        coalesce(signals.reverted_edit_count, 0) as reverted_edit_count,
        coalesce(signals.human_answer_count, 0) as human_answer_count,
        coalesce(signals.human_correction_count, 0) as human_correction_count,
        coalesce(signals.interruption_count, 0) as interruption_count,
        coalesce(signals.turn_count, 0) as turn_count,
        coalesce(signals.active_seconds, 0) as active_seconds,
        episodes.median_month,
        medians.median_active_seconds,
        medians.episode_count as median_episode_count,
        evidence.value as evidence_value,
        evidence.trust as evidence_trust,
        evidence.source as evidence_source,
        evidence.evidence_id
    from episodes
    inner join {{ ref('score_weights') }} as weights on episodes.role_family = weights.role_family
    left join outcomes on episodes.episode_key = outcomes.episode_key
    left join exits on episodes.episode_key = exits.episode_key and exits.preference = 1
    left join {{ ref('exit_values') }} as exit_values on outcomes.exit_type = exit_values.exit_type
    left join signals on episodes.episode_key = signals.episode_key
    left join {{ ref('fct_role_medians') }} as medians
        on
            episodes.town_id = medians.town_id
            and episodes.role_family = medians.role_family
            and episodes.median_month = medians.month_started_on
    left join evidence on episodes.episode_key = evidence.episode_key and weights.component = evidence.component

),

reasons as (

    select
        *,
        case component
            when 'exit' then case when exit_value is null then 'no_exit_known' end
            when 'first_attempt'
                then case when bead_id is null then 'no_bead' when attempt_count = 0 then 'no_attempt_known' end
            when 'clean_merge' then case when not (is_merged or is_merge_failed) then 'nothing_to_merge' end
            when 'duration'
                then
                    case
                        when active_seconds <= 0 then 'no_time_known'
                        when median_episode_count is null then 'no_median_of_the_month_before'
                        when coalesce(median_active_seconds, 0) <= 0 then 'too_few_episodes_in_the_month_before'
                    end
            when 'tool_success' then case when tool_call_count = 0 then 'no_tool_calls' end
            when 'no_loops' then case when tool_call_count = 0 then 'no_tool_calls' end
            when 'self_correction' then case when new_failure_count = 0 then 'no_failures' end
            when 'edits_kept' then case when edit_count = 0 then 'no_edits' end
            when 'no_correction' then case when human_answer_count = 0 then 'no_person_answered' end
            when 'no_interruption'
                then case when coalesce(human_message_count, 0) + interruption_count = 0 then 'no_person_took_part' end
            when 'convoy' then case when evidence_source is null then 'no_convoy' end
            when 'judgement'
                then
                    case
                        when evidence_source is null then 'no_judgement'
                        when evidence_trust = 0 then 'judge_not_measured_against_people'
                    end
        end as null_reason
    from facts

),

valued as (

    select
        *,
        case component
            when 'exit' then exit_value
            when 'first_attempt' then cast(1 as double) / (attempt_count + reopen_count)
            when 'no_escalation' then coalesce(evidence_value, case when exit_type = 'ESCALATED' then 0 end, 1)
            when 'no_crash' then coalesce(evidence_value, case when outcome = 'crashed' then 0 end, 1)
            when 'clean_merge' then case when is_merged then cast(1 as double) / (1 + blemish_count) else 0 end
            when 'duration'
                then least(1, {{ score_rule('duration_allowance') }} * median_active_seconds / active_seconds)
            when 'tool_success' then 1 - cast(tool_failure_count as double) / tool_call_count
            when 'no_loops' then 1 - cast(loop_call_count as double) / tool_call_count
            when 'self_correction' then least(1, cast(self_correction_count as double) / new_failure_count)
            when 'edits_kept' then 1 - cast(reverted_edit_count as double) / edit_count
            when 'no_correction' then cast(1 as double) / (1 + human_correction_count)
            when 'no_interruption' then cast(1 as double) / (1 + interruption_count)
            else evidence_value
        end as raw_value
    from reasons

)

select
    episode_key,
    session_key,
    session_started_on,
    session_started_at,
    component,
    case when null_reason is null then round(raw_value, 6) end as value,
    -- A judge counts as far as it agrees with people.
    case when component = 'judgement' then round(weight * coalesce(evidence_trust, 0), 6) else weight end as weight,
    case
        when component = 'exit' then case when exit_value is not null then coalesce(exit_source, 'fct_outcomes') end
        when component = 'first_attempt'
            then case when attempt_key is not null then 'attempt' when bead_id is not null then 'bead' end
        when component = 'clean_merge' then case when merge_request_id is not null then 'merge_request' else 'outcome' end
        when component = 'duration' then 'fct_role_medians'
        when component in ('convoy', 'judgement') then evidence_source
        when component = 'no_escalation'
            then coalesce(evidence_source, case when exit_type = 'ESCALATED' then 'outcome' else 'no_escalation_known' end)
        when component = 'no_crash'
            then coalesce(evidence_source, case when outcome = 'crashed' then 'outcome' else 'no_death_known' end)
        else 'fct_turn_signals'
    end as evidence_source,
    case
        when component = 'exit' then case when exit_value is not null then coalesce(exit_id, episode_key) end
        when component = 'first_attempt' then coalesce(attempt_key, bead_id)
        when component = 'clean_merge' then coalesce(merge_request_id, episode_key)
        when component = 'duration' then cast(median_month as varchar)
        when component in ('convoy', 'judgement', 'no_escalation', 'no_crash') then evidence_id
        else episode_key
    end as evidence_id,
    null_reason,
    cast({{ score_rule('rules_version') }} as bigint) as rules_version
from valued
