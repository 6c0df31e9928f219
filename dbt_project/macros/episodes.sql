{# What the episode models share. #}

{% macro episode_sessions_sql() -%}
  {#- A query of the sessions whose episodes this build must look at again: their messages changed, or who ran them. -#}
  {%- set query = 'select session_key from ' ~ touched(ref('int_messages'))
      ~ ' union select session_key from ' ~ touched(ref('dim_sessions')) -%}
  {{ return(asked_once('episode_sessions', query)) }}
{%- endmacro %}

{% macro episode_part(relation) -%}
  {#- A model of sessions; in an incremental build the files with those sessions. Filter with `of_episode_sessions`. -#}
  {{- part_of(relation, episode_sessions_sql()) -}}
{%- endmacro %}

{% macro of_episode_sessions(alias=none) -%}
  {#- In an incremental build only the rows of those sessions; in a full build every row. -#}
  {{ session_rows(episode_sessions_sql(), alias) }}
{%- endmacro %}

{% macro start_rank(start_kind) -%}
  {#- Which of several starts without work between them names the episode: the one that says most about the work. -#}
  case {{ start_kind }}
      when 'merge_request' then 8 when 'assignment' then 7 when 'cycle' then 6 when 'human' then 5 when 'command' then 4
      when 'mail' then 3 when 'nudge' then 2 else 1
  end
{%- endmacro %}

{% macro rig_sessions_sql() -%}
  {#- A query of the sessions whose rigs must be looked at again: their episodes changed, or what a name means in their town. -#}
  {%- set towns = 'select distinct town_id from ' ~ touched(ref('int_rig_names')) -%}
  {%- set query = 'select session_key from ' ~ touched(ref('fct_episodes'))
      ~ ' union select session_key from ' ~ part_of(ref('fct_episodes'), towns) ~ ' as known where town_id in (' ~ towns ~ ')' -%}
  {{ return(asked_once('rig_sessions', query)) }}
{%- endmacro %}

{% macro rig_part(relation) -%}
  {#- A model of sessions; in an incremental build the files with those sessions. Filter with `of_rig_sessions`. -#}
  {{- part_of(relation, rig_sessions_sql()) -}}
{%- endmacro %}

{% macro of_rig_sessions(alias=none) -%}
  {#- In an incremental build only the rows of those sessions; in a full build every row. -#}
  {{ session_rows(rig_sessions_sql(), alias) }}
{%- endmacro %}
