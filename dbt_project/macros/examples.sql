{# What the example models share. #}

{% macro conversation_key(episode_key, agent_key) -%}
  {#- What one agent said and was told during one episode. -#}
  {{ text_hash("concat(" ~ episode_key ~ ", '|', " ~ agent_key ~ ")") }}
{%- endmacro %}

{% macro blank_line() -%}
  {#- Between two paragraphs. -#}
  concat(chr(10), chr(10))
{%- endmacro %}

{% macro white_space() -%}
  {#- The characters that are cut off both ends of a text. -#}
  concat(' ', chr(9), chr(10), chr(13))
{%- endmacro %}

{% macro example_rule(name) -%}
  {#- The number of a rule of the seed `example_rules`. -#}
  (select max(value) from {{ ref('example_rules') }} where rule = '{{ name }}')
{%- endmacro %}

{% macro first_reason(reasons) -%}
  {#- The smallest priority among the reasons of the seed `target_rules` that hold and are active; null when none does. `reasons`:
      (reason, condition). What cannot be a target in any case is none whether its rule is active or not. -#}
  least(
  {%- for reason, condition in reasons %}
      case when {{ condition }} then (
          select max(priority) from {{ ref('target_rules') }}
          where reason = '{{ reason }}' and (is_active or reason in ('api_error', 'empty', 'over_budget'))
      ) end{{ ',' if not loop.last }}
  {%- endfor %}
  )
{%- endmacro %}

{% macro member_as_json(name, value) -%}
  {#- A member of a JSON object as text: its name and an SQL expression of a JSON text; null where that is null. -#}
  chr(34) || '{{ name }}' || chr(34) || ':' || {{ value }}
{%- endmacro %}

{% macro object_as_json(members) -%}
  {#- A JSON object as text. `members`: as for `member_as_json`, in order; those that are null are left out. -#}
  concat(chr(123), concat_ws(','
  {%- for name, value in members %}, {{ member_as_json(name, value) }}
  {%- endfor %}
  ), chr(125))
{%- endmacro %}

{% macro list_as_json(items) -%}
  {#- A JSON array as text. `items`: its elements as JSON texts with commas between them. -#}
  concat(chr(91), {{ items }}, chr(93))
{%- endmacro %}

{% macro boolean_as_json(condition) -%}
  case when {{ condition }} then 'true' else 'false' end
{%- endmacro %}

{% macro example_sessions_sql() -%}
  {#- A query of the sessions whose examples must be cut again: their turns changed, or which episodes may become examples. -#}
  {%- set query = 'select session_key from ' ~ touched(ref('int_conversation_turns'))
      ~ ' union select session_key from ' ~ touched(ref('int_episode_candidates')) -%}
  {{ return(asked_once('example_sessions', query)) }}
{%- endmacro %}

{% macro example_part(relation) -%}
  {#- A model of sessions; in an incremental build the files with those sessions. Filter with `of_example_sessions`. -#}
  {{- part_of(relation, example_sessions_sql()) -}}
{%- endmacro %}

{% macro of_example_sessions(alias=none) -%}
  {#- In an incremental build only the rows of those sessions; in a full build every row. -#}
  {{ session_rows(example_sessions_sql(), alias) }}
{%- endmacro %}
