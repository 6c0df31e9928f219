{# What the example models share. #}

{% macro conversation_key(episode_key, agent_key) -%}
  {#- What one agent said and was told during one episode. -#}
  {{ text_hash("concat(" ~ episode_key ~ ", '|', " ~ agent_key ~ ")") }}
{%- endmacro %}
