-- depends_on: {{ ref('int_fork_families') }}
{{ config(materialized='table', tags=['scope:global']) }}

select session_key from {{ ref('int_sessions_changed') }}
{% if is_incremental() %}
union
select session_key from {{ touched(ref('int_fork_families')) }}
{% endif %}
