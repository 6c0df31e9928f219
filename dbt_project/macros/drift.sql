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

{% macro poisson_draw(lots, number) -%}
  {#- A number of a Poisson distribution with mean 1: how often a bucket is in a bootstrap's sample. It is drawn by the `number`-th
      (from 0) two hex digits of `lots`; the limits are the distribution function at 0 to 4 in 256ths, exp(-1) × (1 + 1 + 1/2 + …). -#}
  {%- set drawn = 'substr(' ~ lots ~ ', ' ~ (2 * number + 1) ~ ', 2)' -%}
  case
      {%- for limit in ['5e', 'bc', 'eb', 'fb', 'ff'] %}
      when {{ drawn }} < '{{ limit }}' then {{ loop.index0 }}
      {%- endfor %}
      else 5
  end
{%- endmacro %}

{% macro counts_by_bucket(buckets) -%}
  {#- Columns count_0 …: the sum of `item_count` in each of the buckets. -#}
  {%- for bucket in range(buckets) %}
  cast(sum(case when bucket = {{ bucket }} then item_count else 0 end) as bigint) as count_{{ bucket }}{{ ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{% macro weights_of_buckets(buckets) -%}
  {#- Columns weight_0 …: how often each of the buckets is in the sample that `lots` (64 hex digits) draws; once in replicate 0. -#}
  {%- for bucket in range(buckets) %}
  case when replicate = 0 then 1 else {{ poisson_draw('lots', bucket) }} end as weight_{{ bucket }}{{ ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{% macro weighted_buckets(buckets) -%}
  {#- The count of an item in a sample. -#}
  {%- for bucket in range(buckets) -%}
  weights.weight_{{ bucket }} * counts.count_{{ bucket }}{{ ' + ' if not loop.last }}
  {%- endfor -%}
{%- endmacro %}
