{{ config(
    incremental=false,
    unique_key=['town_id', 'month_started_on', 'role', 'unlinked_reason'],
    order_by=['town_id', 'month_started_on', 'role', 'unlinked_reason'],
    tags=['scope:global']
) }}

select
    episodes.town_id,
    cast(date_trunc('month', episodes.session_started_on) as date) as month_started_on,
    episodes.role,
    links.unlinked_reason,
    count(*) as episode_count,
    count(links.primary_bead_id) as linked_count,
    count(case when links.confidence >= 0.9 then links.primary_bead_id end) as sure_count,
    count(distinct episodes.session_key) as session_count
from {{ ref('fct_episodes') }} as episodes
left join {{ ref('fct_episode_links') }} as links on episodes.episode_key = links.episode_key
group by
    episodes.town_id,
    cast(date_trunc('month', episodes.session_started_on) as date),
    episodes.role,
    links.unlinked_reason
