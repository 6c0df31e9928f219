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

{% macro reason_priority(reason, condition) -%}
  {#- The priority of a reason of the seed `target_rules` where the condition holds and the rule is active; null otherwise. -#}
  case when {{ condition }} then (
      select max(priority) from {{ ref('target_rules') }}
      where reason = '{{ reason }}' and (is_active or reason in ('api_error', 'empty', 'over_budget'))
  ) end
{%- endmacro %}
