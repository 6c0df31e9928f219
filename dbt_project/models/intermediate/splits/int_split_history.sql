{{ config(materialized='view', tags=['scope:global']) }}

{% set before = last_released('int_split_ledger') %}
{% if before %}

select
    episode_key,
    session_key,
    session_started_on,
    session_started_at,
    town_id,
    role_family,
    group_key,
    split,
    first_split,
    assigned_by,
    assigned_at
from {{ before }}

{% else %}

select
    cast(null as varchar) as episode_key,
    cast(null as varchar) as session_key,
    cast(null as date) as session_started_on,
    cast(null as timestamp with time zone) as session_started_at,
    cast(null as varchar) as town_id,
    cast(null as varchar) as role_family,
    cast(null as varchar) as group_key,
    cast(null as varchar) as split,
    cast(null as varchar) as first_split,
    cast(null as varchar) as assigned_by,
    cast(null as timestamp with time zone) as assigned_at
where false

{% endif %}
