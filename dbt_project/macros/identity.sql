{# What the identity models share. #}

{% macro harnesses() %}
  {#- Harnesses whose sessions are loaded: a `session_start` event does not say which of them it belongs to. -#}
  {{ return(['claude']) }}
{% endmacro %}

{% macro identity_touched_sessions() -%}
  {#- A query of the sessions whose identity must be looked at again: their messages changed, a start of theirs was logged, telemetry
      named them, their town got (or lost) the file that makes its folders mean roles, or other rigs. Only for incremental builds. -#}
  {%- set query -%}
    select session_key from {{ touched(ref('int_messages')) }}
    union
    select session_key from {{ touched(ref('int_sessions')) }}
    {% for harness in harnesses() -%}
    union
    select {{ session_key('town_id', harness, 'session_id') }} as session_key
    from {{ touched(ref('int_session_starts')) }}
    where session_id is not null
    union
    select {{ session_key('town_id', harness, 'session_id') }} as session_key
    from {{ touched(ref('int_telemetry_sessions')) }}
    union
    select {{ session_key('told.town_id', harness, 'told.session_id') }} as session_key
    from {{ ref('int_telemetry_sessions') }} as told
    -- Another rig or prefix may give a tmux name another meaning. int_tmux_names changes with every sighting, so it is not asked.
    where told.town_id in (
        select town_id from {{ source('raw', 'town_files') }} where kind in ('rigs', 'routes') and {{ new_rows() }}
    )
    {% endfor -%}
    union
    select sessions.session_key
    from {{ part_of(ref('int_sessions'), touched(ref('int_town_role_paths'))) }} as sessions
    inner join {{ touched(ref('int_town_role_paths')) }} as touched_towns on sessions.town_id = touched_towns.town_id
  {%- endset -%}
  {{ return(asked_once('identity_sessions', query)) }}
{%- endmacro %}

{% macro identity_session_ids() -%}
  {#- A query of town and runtime id of those sessions. -#}
  {%- set query -%}
    select town_id, session_id
    from {{ part_of(ref('int_sessions'), identity_touched_sessions()) }}
    where session_key in ({{ identity_touched_sessions() }})
  {%- endset -%}
  {{ return(query) }}
{%- endmacro %}
