{# What the outcome models share. #}

{% macro outcome_threshold(name) -%}
  {#- The number of a threshold of the seed `outcome_thresholds`. -#}
  (select max(value) from {{ ref('outcome_thresholds') }} where name = '{{ name }}')
{%- endmacro %}

{% macro telling_agents() -%}
  {#- A query of the agents that died, or whose telemetry says how they left their work, in this build. Only for incremental builds. -#}
  {%- set query -%}
    select deaths.agent_address as assignee_address
    from {{ part_of(ref('int_agent_deaths'), touched(ref('int_agent_deaths'))) }} as deaths
    inner join {{ touched(ref('int_agent_deaths')) }} as touched_days
        on deaths.town_id = touched_days.town_id and deaths.died_on = touched_days.died_on
    where deaths.agent_address is not null
    union
    select agent_address as assignee_address
    from {{ ref('stg_telemetry__records') }}
    where event_name = 'done' and agent_address is not null and {{ new_rows() }}
  {%- endset -%}
  {{ return(asked_once('outcome_telling_agents', query)) }}
{%- endmacro %}

{% macro outcome_touched_beads() -%}
  {#- A query of the beads whose attempts must be judged again: something about the bead changed, or an agent that had it died or
      told how it left its work. Only for incremental builds. -#}
  {%- set query -%}
    select beads_project_id, bead_id from {{ touched(ref('fct_attempts')) }}
    union
    select beads_project_id, work_id as bead_id from {{ touched(ref('fct_merge_requests')) }}
    union
    select beads_project_id, bead_id from {{ touched(ref('fct_bead_events')) }}
    union
    select molecules.beads_project_id, molecules.work_bead_id as bead_id
    from {{ part_of(ref('fct_molecules'), touched(ref('fct_molecules'))) }} as molecules
    inner join {{ touched(ref('fct_molecules')) }} as touched_molecules
        on molecules.beads_project_id = touched_molecules.beads_project_id
        and molecules.molecule_id = touched_molecules.molecule_id
    where molecules.work_bead_id is not null
    union
    select beads_project_id, bead_id
    from {{ part_of(ref('fct_attempts'), telling_agents()) }}
    where assignee_address in ({{ telling_agents() }})
  {%- endset -%}
  {{ return(asked_once('outcome_touched_beads', query)) }}
{%- endmacro %}
