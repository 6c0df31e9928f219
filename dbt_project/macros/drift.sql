{# How towns are compared. #}

{% macro mix_sessions_sql() -%}
  {#- A query of the sessions whose episodes, their calls or their outcomes may be others. Only for incremental builds. -#}
  {%- set query = touched_episode_sessions_sql() ~ ' union select session_key from ' ~ touched(ref('fct_outcomes')) -%}
  {{ return(asked_once('mix_sessions', query)) }}
{%- endmacro %}

{% macro mix_part(relation) -%}
  {#- A model of sessions; in an incremental build the files with those sessions. Filter with `of_mix_sessions`. -#}
  {{- part_of(relation, mix_sessions_sql()) -}}
{%- endmacro %}

{% macro of_mix_sessions(alias=none) -%}
  {#- In an incremental build only the rows of those sessions; in a full build every row. -#}
  {{ session_rows(mix_sessions_sql(), alias) }}
{%- endmacro %}

{% macro doubling_bin(number) -%}
  {#- The largest power of two that is not above a whole number; 0 for less than one. What is added keeps 8 from becoming 7.999…
      where an engine divides logarithms; below 2^29 it lifts no number over the next power. -#}
  case when {{ number }} < 1 then 0 else cast(power(2, floor(log2({{ number }}) + 0.000000001)) as bigint) end
{%- endmacro %}

{% macro numbers_below(count) -%}
  {#- A relation (number) of 0 to count - 1, for small counts. -#}
  (
    {%- for number in range(count) %}
    select {{ number }} as number{{ ' union all' if not loop.last }}
    {%- endfor %}
  )
{%- endmacro %}

{% macro poisson_draw(text) -%}
  {#- A number of a Poisson distribution with mean 1, drawn by the hash of a text: how often an episode is in a bootstrap's sample.
      The limits are its distribution function at 0 to 6 in millionths: exp(-1) × (1 + 1 + 1/2 + 1/6 + …). -#}
  {%- set drawn = 'mod(' ~ text_number(text) ~ ', 1000000)' -%}
  case
      {%- for limit in [367879, 735759, 919699, 981012, 996340, 999406, 999917] %}
      when {{ drawn }} < {{ limit }} then {{ loop.index0 }}
      {%- endfor %}
      else 7
  end
{%- endmacro %}
