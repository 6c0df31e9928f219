{# Data tests of an incremental build look at what the build touched; an audit looks at everything. #}

{% macro touched_rows(relation, alias) %}
  {#- Condition: the row of `alias` belongs to a key the build touched. True in full and audit builds. -#}
  {%- set name = relation.identifier -%}
  {%- set incremental = is_incremental() -%}
  {%- set facts = build_facts() if incremental else {} -%}
  {%- if incremental and facts.touched.get(name) -%}
    exists (
      select 1 from {{ touched(relation) }} as touched
      where {% for column in facts.touched[name] -%}
        touched."{{ column }}" is not distinct from {{ alias }}."{{ column }}" {{ 'and ' if not loop.last }}
      {%- endfor %}
    )
  {%- elif incremental and name not in facts.touched and has_column(name, 'load_seq') -%}
    {{ alias }}.load_seq > {{ facts.watermark }}
  {%- else -%}
    true
  {%- endif -%}
{% endmacro %}

{% macro has_column(model_name, column) %}
  {#- Whether a model's twin yml lists the column. -#}
  {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.alias == model_name -%}
    {{ return(column in node.columns) }}
  {%- endfor -%}
  {{ return(false) }}
{% endmacro %}

{% macro get_where_subquery(relation) %}
  {#- Every generic test reads its model through this. -#}
  {%- set conditions = [] -%}
  {%- if config.get('where') -%}
    {%- do conditions.append('(' ~ config.get('where') ~ ')') -%}
  {%- endif -%}
  {%- set touched_only = touched_rows(relation, 'tested') | trim -%}
  {%- if touched_only != 'true' -%}
    {%- do conditions.append(touched_only) -%}
  {%- endif -%}
  {%- if conditions -%}
    {{ return('(select * from ' ~ written(relation) ~ ' as tested where ' ~ conditions | join(' and ') ~ ') as dbt_subquery') }}
  {%- else -%}
    {{ return(relation) }}
  {%- endif -%}
{% endmacro %}

{% test relationships(model, column_name, to, field, by=none) %}
  {#- Every value of the column is a `field` of `to`. An incremental build reads only the files of `to` that hold a tested row's key:
      `by`, columns that both have (a session, a bead), or the field itself where `to` is exchanged by it. -#}
  {%- set key = by if by else [field] -%}
  {%- set known = build_facts().touched.get(to.identifier) if is_incremental() else none -%}
  {%- set parent = to -%}
  {%- if known and (by or known == key) -%}
    {%- set named = [] -%}
    {%- for name in key -%}
      {%- do named.append((column_name ~ ' as ' ~ field) if name == field and not by else name) -%}
    {%- endfor -%}
    {%- set parent = part_of(to, 'select distinct ' ~ named | join(', ') ~ ' from ' ~ model) -%}
  {%- endif -%}
  with child as (

      select {{ column_name }} as value from {{ model }} where {{ column_name }} is not null

  ),

  parent as (

      select distinct {{ field }} as value from {{ parent }}

  )

  select child.value
  from child
  left join parent on child.value = parent.value
  where parent.value is null
{% endtest %}
