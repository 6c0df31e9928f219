{# Which sessions' episodes must be judged again, and which beads they are linked to. For incremental builds; elsewhere nobody asks. #}

{% macro sessions_of_beads(beads) -%}
  {#- A query of the sessions that are linked to one of `beads` (a query of beads_project_id, bead_id). -#}
  {%- set query -%}
    select bridge.session_key
    from {{ part_of(ref('bridge_episode_bead'), beads) }} as bridge
    inner join ({{ beads }}) as beads on bridge.beads_project_id = beads.beads_project_id and bridge.bead_id = beads.bead_id
  {%- endset -%}
  {{ return(query) }}
{%- endmacro %}

{% macro cut_sessions() -%}
  {#- A query of the sessions that were cut into episodes anew, or whose episodes were linked anew. -#}
  {%- set query -%}
    select session_key from {{ touched(ref('fct_episodes')) }}
    union
    select session_key from {{ touched(ref('bridge_episode_bead')) }}
  {%- endset -%}
  {{ return(asked_once('outcome_cut_sessions', query)) }}
{%- endmacro %}

{% macro merge_sessions() -%}
  {#- Those, and the sessions of beads whose life, merge requests or comments changed. -#}
  {%- set beads -%}
    select beads_project_id, bead_id from {{ touched(ref('fct_bead_events')) }}
    union
    select beads_project_id, work_id as bead_id from {{ touched(ref('fct_merge_requests')) }}
    union
    select beads_project_id, bead_id from {{ touched(ref('stg_beads__comments')) }}
  {%- endset -%}
  {{ return(asked_once('outcome_merge_sessions', cut_sessions() ~ ' union ' ~ sessions_of_beads(beads))) }}
{%- endmacro %}

{% macro attempt_sessions() -%}
  {#- Those, the sessions of beads whose attempts were judged anew, and the other sessions of the beads of sessions that were cut anew:
      what one session of an attempt shows counts for all of them. -#}
  {%- set beads -%}
    select beads_project_id, bead_id from {{ touched(ref('int_attempt_evidence')) }}
    union
    select beads_project_id, bead_id
    from {{ part_of(ref('bridge_episode_bead'), cut_sessions()) }}
    where session_key in ({{ cut_sessions() }})
  {%- endset -%}
  {{ return(asked_once('outcome_attempt_sessions', cut_sessions() ~ ' union ' ~ sessions_of_beads(beads))) }}
{%- endmacro %}

{% macro evidence_sessions() -%}
  {#- A query of the sessions of which any piece of evidence changed. -#}
  {%- set query -%}
    select session_key from {{ touched(ref('fct_episodes')) }}
    {% for model in ['int_polecat_evidence', 'int_refinery_evidence', 'int_mayor_evidence', 'int_crew_evidence'] -%}
    union
    select session_key from {{ touched(ref(model)) }}
    {% endfor -%}
    union
    select patrols.session_key
    from {{ part_of(ref('int_patrol_evidence'), touched(ref('int_patrol_evidence'))) }} as patrols
    inner join {{ touched(ref('int_patrol_evidence')) }} as touched_days
      on patrols.town_id = touched_days.town_id and patrols.agent_address = touched_days.agent_address
        and patrols.cycle_on = touched_days.cycle_on
  {%- endset -%}
  {{ return(asked_once('outcome_evidence_sessions', query)) }}
{%- endmacro %}

{% macro outcome_sessions() -%}
  {#- A query of the sessions whose outcomes, or the facts beside them, changed. -#}
  {%- set beads -%}
    select beads_project_id, bead_id from {{ touched(ref('dim_beads')) }}
    union
    select beads_project_id, bead_id from {{ touched(ref('fct_attempts')) }}
  {%- endset -%}
  {{ return(asked_once('outcome_sessions', cut_sessions() ~ ' union select session_key from '
      ~ touched(ref('fct_outcome_evidence')) ~ ' union ' ~ sessions_of_beads(beads))) }}
{%- endmacro %}

{% macro beads_of_sessions(name, sessions) -%}
  {#- A query of the beads that are linked to episodes of `sessions`; `name`: whose sessions they are. -#}
  {%- set query -%}
    select distinct beads_project_id, bead_id
    from {{ part_of(ref('bridge_episode_bead'), sessions) }}
    where {{ session_rows(sessions) }}
  {%- endset -%}
  {{ return(asked_once('outcome_' ~ name ~ '_beads', query)) }}
{%- endmacro %}
