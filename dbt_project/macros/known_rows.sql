{% macro with_known_rows(relation, columns, key, keys=none, condition=none) %}
    {#-
      The rows of `relation` (new in this build) and, in an incremental build, the rows this model already holds under the same `key`:
      what a model needs that decides among all observations of a key. `keys`: a query of the keys to look for, where the model is
      large (it is answered before the model runs); without it the keys of `relation`. `condition` limits the known rows.
    -#}
    select
        {{ columns | join(',\n        ') }}
    from {{ relation }}
    {%- if is_incremental() %}
    union all
    select
        known.{{ columns | join(',\n        known.') }}
    from {{ part_of(this, keys) if keys else this }} as known
    inner join (select distinct {{ key | join(', ') }} from {{ '(' ~ keys ~ ')' if keys else relation }}) as wanted
        on {% for name in key %}known.{{ name }} = wanted.{{ name }}{{ ' and ' if not loop.last }}{% endfor %}
    {%- if condition %}
    where {{ condition }}
    {%- endif %}
    {%- endif %}
{% endmacro %}

{% macro new_bead_keys(tables, issues=none) -%}
  {#- A query of the beads that have new raw rows in `tables`, or rows in this build's part of the model `issues`. -#}
  {%- set query -%}
    select
        beads_project_id,
        regexp_replace(coalesce(bead_id, row_key), '#[0-9]+$', '') as bead_id
    from {{ source('raw', 'beads_rows') }}
    where table_name in ('{{ tables | join("', '") }}') and {{ new_rows() }}
    {%- if issues and is_incremental() %}
    union
    select beads_project_id, bead_id from {{ touched(issues) }}
    {%- elif issues %}
    union
    select beads_project_id, bead_id from {{ issues }}
    {%- endif %}
  {%- endset -%}
  {{ return(query) }}
{%- endmacro %}

{% macro second_key_part(row_key) -%}
  {#- What follows the bead in the key of a label or dependency; a second line with the same key has a number after it. -#}
  regexp_replace(regexp_replace({{ row_key }}, '^[^|]*[|]', ''), '#[0-9]+$', '')
{%- endmacro %}
