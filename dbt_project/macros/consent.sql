{# Who may learn from what. #}

{% macro consented(alias, sessions_sql=none) -%}
  {#- Condition: the episode of `alias`.episode_key may be learned from by somebody. Every model with the tag `export` must ask it;
      `assert_every_export_model_asks_for_consent` looks. `sessions_sql`: a query of the sessions at hand, so that an incremental build
      reads their files alone. It must not name more rows than the sessions' own. -#}
  {%- set consents = ref('int_episode_consent') -%}
  {{ alias }}.episode_key in (
      select consents.episode_key
      from {{ part_of(consents, sessions_sql) if sessions_sql else consents }} as consents
      where consents.is_base_allowed or consents.is_overlay_allowed
  )
{%- endmacro %}

{% macro strictness(learn) -%}
  {#- A number for what may be learned: the smaller, the stricter. -#}
  case {{ learn }} when 'shared' then 2 when 'own' then 1 else 0 end
{%- endmacro %}

{% macro consent_sessions_sql() -%}
  {#- A query of the sessions whose consent must be looked at again: their episodes, rigs or turns changed, or what their startups allow.
      A changed policy is found in the rows it changes, so that nothing is read where it stays. -#}
  {%- set consents, places = ref('dim_consent'), ref('bridge_rig_startup') -%}
  {%- set episode_rigs, episodes = ref('bridge_episode_rig'), ref('fct_episodes') -%}
  {%- set changed -%}
    select town_id, rig from {{ touched(places) }}
    union
    select town_id, rig from {{ places }} where startup in (select startup from {{ touched(consents) }})
  {%- endset -%}
  {%- set changed_rigs = 'select town_id, rig from (' ~ changed ~ ') as changed where rig is not null' -%}
  {%- set changed_towns = 'select town_id from (' ~ changed ~ ') as changed where rig is null' -%}
  {%- set query -%}
    select session_key from {{ touched(episodes) }}
    union
    select session_key from {{ touched(episode_rigs) }}
    union
    select session_key from {{ touched(ref('fct_turns')) }}
    union
    select session_key from {{ touched(ref('int_conversations')) }}
    union
    select known.session_key
    from {{ part_of(episode_rigs, changed_rigs) }} as known
    inner join ({{ changed_rigs }}) as changed_rigs on known.town_id = changed_rigs.town_id and known.rig = changed_rigs.rig
    union
    select session_key
    from {{ part_of(episodes, changed_towns) }}
    where town_id in ({{ changed_towns }})
  {%- endset -%}
  {{ return(asked_once('consent_sessions', query)) }}
{%- endmacro %}

{% macro consent_part(relation) -%}
  {#- A model of sessions; in an incremental build the files with those sessions. Filter with `of_consent_sessions`. -#}
  {{- part_of(relation, consent_sessions_sql()) -}}
{%- endmacro %}

{% macro of_consent_sessions(alias=none) -%}
  {#- In an incremental build only the rows of those sessions; in a full build every row. -#}
  {{ session_rows(consent_sessions_sql(), alias) }}
{%- endmacro %}

{% macro candidate_sessions_sql() -%}
  {#- A query of the sessions with an episode whose consent or score is another one. -#}
  {%- set query = 'select session_key from ' ~ touched(ref('int_episode_consent'))
      ~ ' union select session_key from ' ~ touched(ref('fct_episode_scores')) -%}
  {{ return(asked_once('candidate_sessions', query)) }}
{%- endmacro %}
