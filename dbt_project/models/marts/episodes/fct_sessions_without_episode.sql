{{ config(
    incremental=true,
    unique_key=['session_key'],
    touched_key=['session_key'],
    touched_sql="{{ episode_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key'],
    statistics=['session_key', 'town_id', 'session_started_at'],
    rows_per_file=2000,
    tags=['scope:shard'],
) }}

select
    sessions.session_key,
    sessions.started_at as session_started_at,
    sessions.town_id,
    sessions.role,
    case
        when not sessions.has_assistant then 'no_answer'
        when sessions.is_known_from_subagents_only then 'only_subagents'
        when sessions.fork_copy_message_count > 0 then 'only_copies'
        else 'no_live_answer'
    end as reason
from {{ episode_part(ref('dim_sessions')) }} as sessions
left join {{ episode_part(ref('fct_episodes')) }} as episodes
    on sessions.session_key = episodes.session_key
where episodes.session_key is null and {{ of_episode_sessions('sessions') }}
