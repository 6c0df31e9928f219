{# What leaves the lake. #}

{% macro exports_without_consent() -%}
  {#- A query of the models with the tag `export` that do not ask the macro `consented` themselves. -#}
  {%- set queries = ["select cast(null as varchar) as model where 1 = 0"] -%}
  {%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and 'export' in node.tags -%}
    {%- if 'macro.' ~ project_name ~ '.consented' not in node.depends_on.macros -%}
      {%- do queries.append("select '" ~ node.name ~ "' as model") -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(queries | join(' union all ')) }}
{%- endmacro %}
