{{ config(
    incremental=true,
    unique_key=['node'],
    touched_key=['component'],
    touched_sql="{{ old_components_sql(this) }}",
    order_by=['group_key[:6]', 'group_started_at', 'component', 'node'],
    statistics=['component', 'node', 'group_key', 'session_key', 'group_started_at'],
    tags=['scope:global'],
) }}

{% set nodes_sql = regrouped_nodes_sql(this) if is_incremental() else '' %}
{% set sessions_sql = regrouped_sessions_sql(this) if is_incremental() else '' %}

with hubs as (

    select
        episode_key,
        session_key,
        session_started_at,
        episode_number,
        node,
        hub
    from {{ part_of(ref('int_episode_hubs'), sessions_sql) }}
    {% if is_incremental() %}
    where session_key in ({{ sessions_sql }}) and node in ({{ nodes_sql }})
    {% endif %}

),

pairs as (

    select
        node,
        hub as neighbour
    from hubs
    union
    select
        hub as node,
        other_hub as neighbour
    from {{ ref('int_hub_edges') }}
    {% if is_incremental() %}
    where hub in ({{ nodes_sql }})
    {% endif %}

),

edges as (

    select
        node,
        neighbour
    from pairs
    union
    select
        neighbour as node,
        node as neighbour
    from pairs

),

-- The numbers left in a component halve in each round, or better: 12 rounds reach the end of any chain of 4,000 nodes.
{{ smallest_labels('edges', 12) }},

episodes as (

    select distinct
        labels.label as component,
        hubs.node,
        hubs.episode_key,
        hubs.session_key,
        hubs.session_started_at,
        hubs.episode_number
    from hubs
    inner join labels on hubs.node = labels.node

),

ranked as (

    select
        *,
        row_number() over (
            partition by component order by session_started_at, session_key, episode_number, episode_key
        ) as place
    from episodes

)

select
    labels.node,
    labels.label as component,
    -- Named after the episode it began with: what comes later does not rename it.
    concat(left(firsts.session_key, 6), left({{ text_hash("concat('group|', firsts.episode_key)") }}, 26)) as group_key,
    firsts.session_started_at as group_started_at,
    episodes.episode_key,
    episodes.session_key,
    labels.is_converged
from labels
left join episodes on labels.node = episodes.node
left join ranked as firsts on labels.label = firsts.component and firsts.place = 1
