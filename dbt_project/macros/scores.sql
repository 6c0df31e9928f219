{# What the scoring models share. #}

{% macro score_rule(name) -%}
  {#- The number of a rule of the seed `score_rules`. -#}
  (select max(value) from {{ ref('score_rules') }} where rule = '{{ name }}')
{%- endmacro %}

{% macro claude_tool_arguments_of(sessions_sql) -%}
  {#- What `stg_claude__tool_arguments` holds; in an incremental build from the files that hold one of the sessions. -#}
  {%- set arguments = ref('stg_claude__tool_arguments') -%}
  {%- set blocks = ref('stg_claude__content_blocks') -%}
  {%- if is_incremental() -%}
    ({{ claude_tool_arguments(part_of(blocks, sessions_sql)) }})
  {%- else -%}
    {{ arguments }}
  {%- endif -%}
{%- endmacro %}

{% macro claude_tool_arguments(blocks) -%}
  {#- What of the arguments of tool calls is compared. -#}
with calls as (

    select
        record_key,
        block_index,
        session_key,
        load_seq,
        placed_on,
        placed_at,
        tool_input,
        {{ json_to_struct('tool_input', {
            'file_path': 'VARCHAR',
            'notebook_path': 'VARCHAR',
            'old_string': 'VARCHAR',
            'new_string': 'VARCHAR',
            'command': 'VARCHAR',
        }) }} as arguments
    from {{ blocks }}
    where block_type = 'tool_use'

)

select
    record_key,
    block_index,
    session_key,
    load_seq,
    placed_on,
    placed_at,
    {{ text_hash('tool_input') }} as arguments_hash,
    {{ text_hash('coalesce(arguments.file_path, arguments.notebook_path)') }} as file_path_hash,
    {{ text_hash('arguments.old_string') }} as old_text_hash,
    {{ text_hash('arguments.new_string') }} as new_text_hash,
    -- `cd x && make test` runs make: what leads there says nothing about what is run.
    {{ regex_group("trim(arguments.command)", '^(?:cd [^&;]*(?:&&|;) *)?([A-Za-z0-9_./-]+)') }} as program
from calls
{%- endmacro %}

{% macro touched_episode_sessions_sql() -%}
  {#- A query of the sessions whose records or episodes may differ from what the last release holds. Only for incremental builds. -#}
  {%- set sessions = touched_sessions_sql() -%}
  {%- set query = sessions ~ ' union select session_key from ' ~ touched(ref('fct_episodes')) -%}
  {{ return(asked_once('scored_sessions', query)) }}
{%- endmacro %}

{% macro touched_episode_part(relation) -%}
  {#- A model of sessions; in an incremental build the files with those sessions. Filter with `of_touched_episodes`. -#}
  {{- part_of(relation, touched_episode_sessions_sql()) -}}
{%- endmacro %}

{% macro of_touched_episodes(alias=none) -%}
  {#- In an incremental build only the rows of those sessions; in a full build every row. -#}
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
  {{ return(asked_once('component_sessions', query)) }}
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
  {{ return(asked_once('score_sessions', query)) }}
{%- endmacro %}
