{# What the preference pairs ask for. #}

{% macro pair_keys_sql() -%}
  {#- A query of the pairs that must be made again: they are new or gone, or the turns of one of their sessions changed. -#}
  {%- set pairs = ref('int_attempt_pairs') -%}
  {%- set query -%}
    select pair_key from {{ touched(pairs) }}
    union
    select pair_key from {{ pairs }}
    where chosen_session_key in ({{ example_sessions_sql() }}) or rejected_session_key in ({{ example_sessions_sql() }})
  {%- endset -%}
  {{ return(asked_once('pair_keys', query)) }}
{%- endmacro %}

{% macro pair_sessions_sql() -%}
  {#- A query of the sessions of both attempts of those pairs. -#}
  {%- set pairs = ref('int_attempt_pairs') -%}
  {%- set query -%}
    select chosen_session_key as session_key from {{ pairs }} where pair_key in ({{ pair_keys_sql() }})
    union
    select rejected_session_key as session_key from {{ pairs }} where pair_key in ({{ pair_keys_sql() }})
  {%- endset -%}
  {{ return(asked_once('pair_sessions', query)) }}
{%- endmacro %}

{% macro of_touched_pairs(alias) -%}
  {#- In an incremental build only the pairs that must be made again; in a full build every pair. -#}
  {%- if is_incremental() -%}
    {{ alias }}.pair_key in ({{ pair_keys_sql() }})
  {%- else -%}
    true
  {%- endif -%}
{%- endmacro %}

{% macro pair_part(relation) -%}
  {#- A model of sessions; in an incremental build the files with those sessions. Filter with `of_pair_sessions`. -#}
  {{- part_of(relation, pair_sessions_sql()) -}}
{%- endmacro %}

{% macro of_pair_sessions(alias=none) -%}
  {#- In an incremental build only the rows of those sessions; in a full build those of every pair's. -#}
  {%- if is_incremental() -%}
    {{ session_rows(pair_sessions_sql(), alias) }}
  {%- else -%}
    {{ alias ~ '.' if alias else '' }}session_key in (
        select chosen_session_key from {{ ref('int_attempt_pairs') }}
        union
        select rejected_session_key from {{ ref('int_attempt_pairs') }}
    )
  {%- endif -%}
{%- endmacro %}

{% macro answer_as_json(answer) -%}
  {{ list_as_json(object_as_json([
      ('role', text_as_json("'assistant'")),
      ('content', text_as_json(answer)),
  ])) }}
{%- endmacro %}
