{# Models as Delta tables, and what a build knows about itself. The work is done by lake/dbt_plugin.py. #}

{% macro ask_lake(action, request) %}
  {#- `store_relation` is the only door dbt-duckdb opens to a plugin; the answer comes back in the request's own dictionary. -#}
  {%- set answer = {} -%}
  {%- do request.update({'answer': answer}) -%}
  {%- do adapter.store_relation('lake', api.Relation.create(identifier='lake'), [], '', action, request) -%}
  {{ return(answer) }}
{% endmacro %}

{% macro build_facts() %}
  {#- incremental, reason, watermark, load_seq, as_of, audit, governance, touched (model → key columns) -#}
  {%- if flags.WHICH != 'build' -%}
    {#- A build has opened its database before any model is compiled; other commands may not have. -#}
    {%- do adapter.execute('select 1') -%}
  {%- endif -%}
  {{ return(ask_lake('facts', {})) }}
{% endmacro %}

{% macro is_incremental() %}
  {#- In a model: this build goes on from a release. In a data test: the same, and no audit was asked for. -#}
  {%- if not execute or model.resource_type == 'unit_test' -%}
    {{ return(false) }}
  {%- endif -%}
  {%- set facts = build_facts() -%}
  {{ return(facts.incremental and not (model.resource_type == 'test' and facts.audit)) }}
{% endmacro %}

{% macro watermark() %}
  {{- build_facts().watermark if is_incremental() else 0 -}}
{% endmacro %}

{% macro new_rows(alias=none) %}
  {#- The rows that came in since the release this build goes on from; every row in a full build. -#}
  {%- if is_incremental() -%}
    {{ alias ~ '.' if alias else '' }}load_seq > {{ build_facts().watermark }}
  {%- else -%}
    true
  {%- endif -%}
{% endmacro %}

{% macro touched(relation) %}
  {#- The keys (its touched_key, else its unique_key) under which an upstream delta model deleted or inserted rows in this build. -#}
  {%- if is_incremental() and relation.identifier not in build_facts().touched -%}
    {%- do exceptions.raise_compiler_error('touched(' ~ relation.identifier ~ '): no delta model with a key that this build has built before') -%}
  {%- endif -%}
  {{- return(api.Relation.create(database=relation.database, schema='touched', identifier=relation.identifier)) -}}
{% endmacro %}

{% macro written(relation) %}
  {#- In an incremental build: the files of an upstream delta model that this build wrote. All rows of its touched keys are in them,
      beside rows of others: filter by key. In full and audit builds: the relation itself. -#}
  {%- if is_incremental() and build_facts().touched.get(relation.identifier) -%}
    {{ return(api.Relation.create(database=relation.database, schema='written', identifier=relation.identifier)) }}
  {%- else -%}
    {{ return(relation) }}
  {%- endif -%}
{% endmacro %}

{% macro asked_once(name, query) %}
  {#- A query of keys that many models need, in an incremental build asked once: SQL that reads its rows. In a full build, where nobody
      asks for keys, the query itself. `name` must say which query it is, and everything the query reads must be built before it is
      first asked. -#}
  {{ return(ask_lake('keys', {'name': name, 'sql': query}).sql if is_incremental() else query) }}
{% endmacro %}

{% macro part_of(relation, keys) %}
  {#- In an incremental build: those rows of an upstream delta model that lie in the files which hold one of `keys`, found by reading
      key columns alone. `keys`: a query (or a relation, e.g. touched(ref(…))) whose columns are named as in the model. It gives more
      rows than the keys ask for, so filter by key as well. In a full build: the relation itself. -#}
  {%- if is_incremental() and keys is not string and keys.schema == 'touched' and keys.identifier == relation.identifier -%}
    {{ return(written(relation)) }}
  {%- elif is_incremental() -%}
    {%- set query = keys if keys is string else 'select * from ' ~ keys -%}
    {{ return(ask_lake('part', {'name': relation.identifier, 'keys': query}).sql) }}
  {%- else -%}
    {{ return(relation) }}
  {%- endif -%}
{% endmacro %}

{% macro last_released(name) %}
  {#- What the last release holds of the model called `name`, as a relation; none before the first one that has it. A full build reads
      it too: what a model decides once and for all (see docs/models.md) is not forgotten when all else is made anew. -#}
  {%- if not execute or flags.WHICH != 'build' or model.resource_type == 'unit_test' -%}
    {{ return(none) }}
  {%- endif -%}
  {{ return(ask_lake('released', {'name': name}).sql) }}
{% endmacro %}

{% macro as_of() %}
  {#- The newest recorded time the build has read: what "now" means. Null on an empty lake. -#}
  {%- set moment = build_facts().as_of if execute else none -%}
  cast({{ "'" ~ moment ~ "'" if moment else 'null' }} as timestamp with time zone)
{% endmacro %}

{% materialization delta, adapter='duckdb', supported_languages=['sql'] %}
  {%- set target = this.incorporate(type='view') -%}
  {{ run_hooks(pre_hooks) }}
  {%- set incremental = config.get('incremental', false) -%}
  {%- set request = {
    'name': this.identifier,
    'schema': this.schema,
    'sql': sql,
    'unique_key': listed('unique_key'),
    'touched_key': listed('touched_key'),
    'touched_sql': render(config.get('touched_sql', '')) if is_incremental() else '',
    'order_by': listed('order_by'),
    'statistics': listed('statistics'),
    'incremental': incremental,
  } -%}
  {%- if config.get('rows_per_file') -%}
    {%- do request.update({'rows_per_file': config.get('rows_per_file')}) -%}
  {%- endif -%}
  {%- set outcome = ask_lake('model', request) -%}
  {% call noop_statement('main', outcome.mode ~ ' ' ~ outcome.rows_written, 'OK', outcome.rows_written) %}
    {{ sql }}
  {% endcall %}
  {{ run_hooks(post_hooks) }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% macro listed(name) %}
  {%- set value = config.get(name, []) -%}
  {{ return([value] if value is string else value) }}
{% endmacro %}

{% macro announce_build() %}
  {#- Says what the build reads and what it starts from. -#}
  {%- if execute and flags.WHICH == 'build' -%}
    {%- set facts = build_facts() -%}
    {%- do log(
      'Incremental build: loads ' ~ (facts.watermark + 1) ~ ' to ' ~ facts.load_seq ~ ' on top of release ' ~ facts.base ~ '.'
      if facts.incremental else 'Full build of loads 1 to ' ~ facts.load_seq ~ ': ' ~ facts.reason ~ '.',
      info=true
    ) -%}
    {%- do log('Who may learn: ' ~ (facts.governance or 'everybody from their own work, as there is no governance.yaml') ~ '.', info=true) -%}
  {%- endif -%}
{% endmacro %}

{% macro publish_release(results) %}
  {%- if execute and flags.WHICH == 'build' -%}
    {%- set statuses = [] -%}
    {%- for result in results -%}
      {%- do statuses.append({'unique_id': result.node.unique_id, 'status': result.status | string}) -%}
    {%- endfor -%}
    {%- set answer = ask_lake('publish', {'results': statuses, 'graph': graph, 'version': '1.0.0'}) -%}
    {%- do log(answer.message, info=true) -%}
  {%- endif -%}
{% endmacro %}
