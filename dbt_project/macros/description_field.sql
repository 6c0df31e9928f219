{% macro description_field(description, key) -%}
  {#- Value of a `key: value` line of a bead's description; null when the line is missing, empty or says null. -#}
  nullif(nullif(trim(regexp_extract({{ description }}, '(?m)^{{ key }}: *(.*)$', 1)), ''), 'null')
{%- endmacro %}
