{# What the scoring models share. #}

{% macro score_rule(name) -%}
  {#- The number of a rule of the seed `score_rules`. -#}
  (select max(value) from {{ ref('score_rules') }} where rule = '{{ name }}')
{%- endmacro %}
