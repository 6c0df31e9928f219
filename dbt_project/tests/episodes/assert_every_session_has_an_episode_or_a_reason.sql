-- In = kept + explained: each session has episodes, or one row that says why it has none, and never both.
with sessions as (

    select session_key
    from {{ written(ref('dim_sessions')) }} as sessions
    where {{ touched_rows(ref('dim_sessions'), 'sessions') }}

),

counted as (

    select
        sessions.session_key,
        count(distinct episodes.episode_key) as episode_count,
        count(distinct reasons.session_key) as reason_count
    from sessions
    left join {{ part_of(ref('fct_episodes'), touched(ref('dim_sessions'))) }} as episodes
        on sessions.session_key = episodes.session_key
    left join {{ part_of(ref('fct_sessions_without_episode'), touched(ref('dim_sessions'))) }} as reasons
        on sessions.session_key = reasons.session_key
    group by sessions.session_key

)

select *
from counted
where (episode_count > 0) = (reason_count > 0)
