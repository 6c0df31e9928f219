{% macro generate_schema_name(custom_schema_name, node) %}
  {#- The schema a folder asks for, as it is: analysts see `staging`, not `main_staging`. -#}
  {{- custom_schema_name if custom_schema_name else target.schema -}}
{% endmacro %}
