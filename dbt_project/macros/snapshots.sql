{# What snapshots hold. #}

{% macro snapshot_rule(name) -%}
  {#- The number of a rule of the seed `snapshot_rules`. -#}
  (select max(value) from {{ ref('snapshot_rules') }} where rule = '{{ name }}')
{%- endmacro %}

{% macro drifting_towns() -%}
  {#- A query of the towns and roles that drift so far that no base learns from them. -#}
  select town_id, role_family from {{ ref('fct_town_drift') }} where is_kept_out group by town_id, role_family
{%- endmacro %}
