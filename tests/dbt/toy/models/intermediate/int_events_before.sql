{{ config(materialized='view') }}

{% set before = last_released('int_events') %}
{% if before %}
select actor from {{ before }}
{% else %}
select cast(null as varchar) as actor where false
{% endif %}
