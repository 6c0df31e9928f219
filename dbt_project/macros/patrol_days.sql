{# Which days of patrols must be judged again. #}

{% macro patrol_days(days, offsets) -%}
  {#- The query `days` (town_id, agent_address, cycle_on) widened by numbers of days. -#}
  {%- for offset in offsets %}
    {{ 'union' if not loop.first }}
    select town_id, agent_address, cast({{ seconds_added('cast(cycle_on as timestamp with time zone)', offset * 86400) }} as date) as cycle_on
    from ({{ days }}) as days_{{ loop.index }}
  {%- endfor %}
{%- endmacro %}

{% macro patrol_touched_days() -%}
  {#- A query of the patrols' days (town_id, agent_address, cycle_on) on which something is new: a cycle, a command, an event, a death,
      a bead taken from a polecat, the bead of an errand. Only for incremental builds; uses the model's own rows. -#}
  {%- set sessions = 'select session_key from ' ~ touched(ref('fct_episodes')) ~ ' union select session_key from '
      ~ touched(ref('int_patrol_acts')) -%}
  {%- set query -%}
    select town_id, agent_address, cast(started_at as date) as cycle_on
    from {{ part_of(ref('fct_episodes'), sessions) }}
    where session_key in ({{ sessions }}) and kind = 'cycle'
    union
    select town_id, agent_address, cycle_on
    from {{ part_of(this, sessions) }}
    where session_key in ({{ sessions }})
    union
    select town_id, agent_address, acted_on as cycle_on from {{ touched(ref('int_patrol_events')) }}
    union
    select deaths.town_id, deaths.watcher_address as agent_address, deaths.died_on as cycle_on
    from {{ part_of(ref('int_agent_deaths'), touched(ref('int_agent_deaths'))) }} as deaths
    inner join {{ touched(ref('int_agent_deaths')) }} as touched_days
        on deaths.town_id = touched_days.town_id and deaths.died_on = touched_days.died_on
    union
    select towns.town_id, attempts.ended_by_address as agent_address, cast(attempts.ended_at as date) as cycle_on
    from {{ part_of(ref('fct_attempts'), touched(ref('fct_attempts'))) }} as attempts
    inner join {{ touched(ref('fct_attempts')) }} as touched_beads
        on attempts.beads_project_id = touched_beads.beads_project_id and attempts.bead_id = touched_beads.bead_id
    inner join {{ ref('bridge_town_database') }} as towns on attempts.beads_project_id = towns.beads_project_id
    union
    select towns.town_id, beads.created_by_address as agent_address, cast(beads.created_at as date) as cycle_on
    from {{ part_of(ref('int_beads'), touched(ref('int_beads'))) }} as beads
    inner join {{ touched(ref('int_beads')) }} as touched_beads
        on beads.beads_project_id = touched_beads.beads_project_id and beads.bead_id = touched_beads.bead_id
    inner join {{ ref('bridge_town_database') }} as towns on beads.beads_project_id = towns.beads_project_id
    where beads.kind = 'plugin_run'
    union
    select known.town_id, known.agent_address, known.cycle_on
    from {{ part_of(this, 'select distinct town_id from ' ~ touched(ref('int_agent_deaths'))) }} as known
    inner join (
        select town_id, min(died_at) as first_died_at from {{ ref('int_agent_deaths') }} where source = 'town_event' group by town_id
    ) as logs on known.town_id = logs.town_id and logs.first_died_at <= known.occurred_at
    where known.kind = 'cycle' and known.says not like '%deaths logged%'
  {%- endset -%}
  {{ return(asked_once('outcome_patrol_days', query)) }}
{%- endmacro %}
