-- Whatever leaves the lake with the tag `export` names its rows only where somebody may learn from them: it asks the macro `consented`.
{% set without = [] %}
{% for node in graph.nodes.values() if node.resource_type == 'model' and 'export' in node.tags %}
    {% if 'macro.' ~ project_name ~ '.consented' not in node.depends_on.macros %}
        {% do without.append(node.name) %}
    {% endif %}
{% endfor %}
{% for name in without %}
select '{{ name }}' as model
{{ 'union all' if not loop.last }}
{% else %}
select '' as model
where false
{% endfor %}
