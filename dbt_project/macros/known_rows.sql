{% macro with_known_rows(relation, columns, key, keys_from=none, condition=none) %}
    {#-
      The rows of `relation` (new in this build) and, in an incremental build, the rows this model already holds under the same keys
      (or the keys of `keys_from`): what a model needs that decides among all observations of a key.
    -#}
    select
        {{ columns | join(',\n        ') }}
    from {{ relation }}
    {%- if is_incremental() %}
    union all
    select
        known.{{ columns | join(',\n        known.') }}
    from {{ this }} as known
    inner join (select distinct {{ key | join(', ') }} from {{ keys_from or relation }}) as new_keys
        on {% for name in key %}known.{{ name }} = new_keys.{{ name }}{{ ' and ' if not loop.last }}{% endfor %}
    {%- if condition %}
    where {{ condition }}
    {%- endif %}
    {%- endif %}
{% endmacro %}
