{# What the episode models share. #}

{% macro episode_sessions_sql() -%}
  {#- A query of the sessions whose episodes this build must look at again: their messages changed, or who ran them. -#}
  {{ return(
      'select session_key from ' ~ touched(ref('int_messages')) ~ ' union select session_key from ' ~ touched(ref('dim_sessions'))
  ) }}
{%- endmacro %}

{% macro of_episode_sessions(alias=none) -%}
  {#- In an incremental build only the rows of those sessions; in a full build every row. For models that lie in the order of
      `session_started_at`. -#}
  {{ session_rows(episode_sessions_sql() if execute and is_incremental() else '', alias) }}
{%- endmacro %}

{% macro start_rank(start_kind) -%}
  {#- Which of several starts without work between them names the episode: the one that says most about the work. -#}
  case {{ start_kind }}
      when 'merge_request' then 8 when 'assignment' then 7 when 'cycle' then 6 when 'human' then 5 when 'command' then 4
      when 'mail' then 3 when 'nudge' then 2 else 1
  end
{%- endmacro %}

{% macro rig_mention_sessions_sql() -%}
  {#- A query of the sessions whose rigs must be looked at again: their episodes changed, or what a name means in their town. -#}
  {{ return(
      'select session_key from ' ~ touched(ref('fct_episodes'))
      ~ ' union select episodes.session_key from ' ~ ref('fct_episodes') ~ ' as episodes inner join '
      ~ touched(ref('int_rig_names')) ~ ' as names on episodes.town_id = names.town_id'
  ) }}
{%- endmacro %}
