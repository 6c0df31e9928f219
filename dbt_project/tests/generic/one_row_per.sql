{% test one_row_per(model, columns) %}
{#- The grain of a model whose key has several columns. -#}
    select
        {{ columns | join(',\n        ') }},
        count(*) as row_count
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}
