{{ config(
    incremental=true,
    unique_key=['episode_key'],
    touched_key=['session_key'],
    touched_sql="{{ grouped_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key', 'group_key'],
    tags=['scope:global'],
) }}

-- depends_on: {{ ref('int_episode_hubs') }}
{% set sessions_sql = grouped_sessions_sql() if is_incremental() else '' %}
{% set components_sql = grouped_components_sql() if is_incremental() else '' %}

with members as (

    select
        group_key,
        group_started_at,
        episode_key,
        session_key
    from {{ part_of(ref('int_group_nodes'), components_sql) }}
    where
        episode_key is not null
        {% if is_incremental() -%}
        and component in ({{ components_sql }})
        {%- endif %}

),

sizes as (

    select
        group_key,
        cast(count(*) as bigint) as group_episode_count,
        cast(count(distinct session_key) as bigint) as group_session_count
    from members
    group by group_key

),

episodes as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        town_id,
        role_family
    from {{ part_of(ref('fct_episodes'), sessions_sql) }}
    where {{ session_rows(sessions_sql) }}

)

select
    episodes.episode_key,
    episodes.session_key,
    episodes.session_started_on,
    episodes.session_started_at,
    episodes.town_id,
    episodes.role_family,
    members.group_key,
    members.group_started_at,
    sizes.group_episode_count,
    sizes.group_session_count
from episodes
inner join members on episodes.episode_key = members.episode_key
inner join sizes on members.group_key = sizes.group_key
