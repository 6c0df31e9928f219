{{ config(
    incremental=true,
    unique_key=['episode_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_episode_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key'],
    tags=['scope:shard'],
) }}

with episodes as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        first_message_number,
        last_message_number
    from {{ touched_episode_part(ref('fct_episodes')) }}
    where {{ of_touched_episodes() }}

),

signals as (

    select * from {{ touched_episode_part(ref('fct_turn_signals')) }}
    where not is_subagent and is_on_live_path and not is_fork_copy and {{ of_touched_episodes() }}

),

activity as (

    select
        episode_key,
        message_count,
        active_seconds
    from {{ touched_episode_part(ref('int_episode_activity')) }}
    where is_latest and {{ of_touched_episodes() }}

),

counted as (

    select
        episodes.episode_key,
        cast(count(*) as bigint) as turn_count,
        cast(sum(signals.tool_call_count) as bigint) as tool_call_count,
        cast(sum(signals.tool_failure_count) as bigint) as tool_failure_count,
        cast(sum(signals.new_failure_count) as bigint) as new_failure_count,
        cast(sum(signals.loop_call_count) as bigint) as loop_call_count,
        cast(sum(signals.self_correction_count) as bigint) as self_correction_count,
        cast(sum(signals.edit_count) as bigint) as edit_count,
        cast(sum(signals.reverted_edit_count) as bigint) as reverted_edit_count,
        cast(count(case when signals.is_human_answered then 1 end) as bigint) as human_answer_count,
        cast(count(case when signals.is_human_correction then 1 end) as bigint) as human_correction_count,
        cast(count(case when signals.is_interrupted then 1 end) as bigint) as interruption_count
    from episodes
    inner join signals
        on
            episodes.session_key = signals.session_key
            and signals.first_message_number between episodes.first_message_number and episodes.last_message_number
    group by episodes.episode_key

)

select
    episodes.episode_key,
    episodes.session_key,
    episodes.session_started_on,
    episodes.session_started_at,
    coalesce(counted.turn_count, 0) as turn_count,
    coalesce(counted.tool_call_count, 0) as tool_call_count,
    coalesce(counted.tool_failure_count, 0) as tool_failure_count,
    coalesce(counted.new_failure_count, 0) as new_failure_count,
    coalesce(counted.loop_call_count, 0) as loop_call_count,
    coalesce(counted.self_correction_count, 0) as self_correction_count,
    coalesce(counted.edit_count, 0) as edit_count,
    coalesce(counted.reverted_edit_count, 0) as reverted_edit_count,
    coalesce(counted.human_answer_count, 0) as human_answer_count,
    coalesce(counted.human_correction_count, 0) as human_correction_count,
    coalesce(counted.interruption_count, 0) as interruption_count,
    coalesce(activity.message_count, 0) as message_count,
    coalesce(activity.active_seconds, 0) as active_seconds
from episodes
left join counted on episodes.episode_key = counted.episode_key
left join activity on episodes.episode_key = activity.episode_key
