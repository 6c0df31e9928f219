{# Times that a database's server wrote by its own clock, and the offsets of that clock (int_clock_offsets). #}

{#
  Offset in seconds of the clock that wrote `recorded`: null when nothing says. `offsets`: alias of the row of int_clock_offsets of the
  database and the date of `recorded`. `pair_offset`: the offset that the change's own pair of times shows, or 'null'; it counts when
  it is one that the day is known to have.
#}
{% macro clock_offset(recorded, offsets, pair_offset='null') -%}
case
    when {{ offsets }}.offset_seconds is not null then {{ offsets }}.offset_seconds
    when {{ offsets }}.evidence in ('clock_changed', 'two_clocks')
        and {{ pair_offset }} in ({{ offsets }}.first_offset_seconds, {{ offsets }}.second_offset_seconds)
        then {{ pair_offset }}
    when {{ offsets }}.evidence = 'clock_changed'
        and {{ recorded }} < {{ offsets }}.second_offset_from
        and {{ recorded }} <= {{ offsets }}.first_offset_until
        then {{ offsets }}.first_offset_seconds
    when {{ offsets }}.evidence = 'clock_changed'
        and {{ recorded }} > {{ offsets }}.first_offset_until
        and {{ recorded }} >= {{ offsets }}.second_offset_from
        then {{ offsets }}.second_offset_seconds
end
{%- endmacro %}


{# How that offset is known. Same arguments. #}
{% macro clock_offset_evidence(recorded, offsets, pair_offset='null') -%}
case
    when ({{ clock_offset(recorded, offsets, pair_offset) }}) is null then 'none'
    when {{ offsets }}.evidence in ('clock_changed', 'two_clocks')
        and {{ pair_offset }} in ({{ offsets }}.first_offset_seconds, {{ offsets }}.second_offset_seconds)
        then 'own_pair'
    else {{ offsets }}.evidence
end
{%- endmacro %}


{# A query of the days with changes of beads that this build changed. Only for incremental builds. #}
{% macro touched_clock_days() -%}
  {#- Asked of the events, which stay: a bead that turns out to be an agent's has no changes any more. -#}
  {%- set query -%}
    select distinct
        events.beads_project_id,
        cast(events.created_at_as_recorded as date) as recorded_on
    from {{ part_of(ref('stg_beads__events'), touched(ref('int_bead_changes'))) }} as events
    inner join {{ touched(ref('int_bead_changes')) }} as touched_beads
        on events.beads_project_id = touched_beads.beads_project_id and events.bead_id = touched_beads.bead_id
  {%- endset -%}
  {{ return(query) }}
{%- endmacro %}


{# A query of the beads of dim_beads that a clock closed on a day whose offset is now known otherwise. Only for incremental builds. #}
{% macro beads_of_touched_days() -%}
  {%- set days = 'select beads_project_id, recorded_on as clock_day from ' ~ touched(ref('int_clock_offsets')) -%}
  {%- set query -%}
    select
        held.beads_project_id,
        held.bead_id
    from {{ part_of(this, days) }} as held
    inner join ({{ days }}) as days
        on held.beads_project_id = days.beads_project_id and held.clock_day = days.clock_day
  {%- endset -%}
  {{ return(query) }}
{%- endmacro %}
