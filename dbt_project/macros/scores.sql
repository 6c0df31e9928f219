{# What the scoring models share. #}

{% macro score_rule(name) -%}
  {#- The number of a rule of the seed `score_rules`. -#}
  (select max(value) from {{ ref('score_rules') }} where rule = '{{ name }}')
{%- endmacro %}

{% macro touched_episode_sessions_sql() -%}
  {#- Sessions whose records or episodes may differ from what the last release holds. -#}
  {%- set sessions = touched_sessions_sql() -%}
  {%- set episodes = ref('fct_episodes') -%}
  {{ return(sessions ~ ' union select session_key from ' ~ touched(episodes)) }}
{%- endmacro %}

{% macro of_touched_episodes(alias=none, placed=false) -%}
  {#- As `of_touched_sessions`, for every session whose episodes this build must look at again. -#}
  {{ session_rows(touched_episode_sessions_sql(), alias) }}
{%- endmacro %}

{% macro month_of(time) -%}
  {#- First day of the calendar month (UTC). -#}
  cast(date_trunc('month', {{ time }}) as date)
{%- endmacro %}

{% macro month_before(time) -%}
  {#- First day of the calendar month (UTC) before the time's. -#}
  cast(date_trunc('month', date_trunc('month', {{ time }}) - interval 1 day) as date)
{%- endmacro %}

{% macro touched_component_sessions_sql() -%}
  {#- Sessions with an episode whose evidence for a component is another one, or is judged by another median. -#}
  {%- set signals, outcomes = ref('int_episode_signals'), ref('fct_outcomes') -%}
  {%- set evidence, reports = ref('int_score_evidence'), ref('fct_outcome_evidence') -%}
  {%- set medians, episodes = ref('fct_role_medians'), ref('fct_episodes') -%}
  {%- set query -%}
    select session_key from {{ touched(signals) }}
    union
    select session_key from {{ touched(outcomes) }}
    union
    select session_key from {{ touched(reports) }}
    union
    select session_key from {{ touched(evidence) }}
    union
    select episodes.session_key
    from {{ episodes }} as episodes
    inner join {{ touched(medians) }} as medians
        on
            episodes.town_id = medians.town_id
            and episodes.role_family = medians.role_family
            and {{ month_before('episodes.started_at') }} = medians.month_started_on
  {%- endset -%}
  {{ return(query) }}
{%- endmacro %}

{% macro matured_between(time) -%}
  {#- Condition: what settled at that time became mature between the newest recorded time that the last release has seen and this
      build's. -#}
  {%- set mature_at = seconds_added(time, '86400 * ' ~ score_rule('maturity_days')) -%}
  (
      {{ mature_at }} <= {{ as_of() }}
      and {{ mature_at }} > (select max(newest_at) from {{ source('raw', 'loads') }} where load_seq <= {{ watermark() }})
  )
{%- endmacro %}

{% macro touched_score_sessions_sql() -%}
  {#- Sessions with an episode whose score, gate or role mean is another one, or that became mature. -#}
  {%- set raw, outcomes, links = ref('int_episode_raw_scores'), ref('fct_outcomes'), ref('fct_episode_links') -%}
  {%- set means, episodes = ref('int_role_means'), ref('fct_episodes') -%}
  {%- set query -%}
    select session_key from {{ touched(raw) }}
    union
    select session_key from {{ touched(episodes) }}
    union
    select session_key from {{ touched(outcomes) }}
    union
    select session_key from {{ touched(links) }}
    union
    select session_key from {{ outcomes }} where {{ matured_between('settled_at') }}
    union
    select session_key from {{ episodes }} where {{ matured_between('ended_at') }}
    union
    select episodes.session_key
    from {{ episodes }} as episodes
    inner join {{ touched(means) }} as means
        on
            episodes.town_id = means.town_id
            and episodes.role_family = means.role_family
            and {{ month_before('episodes.started_at') }} = means.month_started_on
  {%- endset -%}
  {{ return(query) }}
{%- endmacro %}
