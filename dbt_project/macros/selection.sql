{# Which episodes are kept. Caps compare the episodes of one bead, and those of one town, role and month: what is new to one of them
   may put out another, so that builds that go on look at these neighbours again, and at nothing else. #}

{% macro selection_rule(name) -%}
  {#- The number of a rule of the seed `selection_rules`. -#}
  (select max(value) from {{ ref('selection_rules') }} where rule = '{{ name }}')
{%- endmacro %}

{% macro bead_mates_sql(candidates, sessions_sql, beads_sql) -%}
  {#- A query of the sessions at hand and of those that worked on one of the beads. -#}
  {%- set mates -%}
    select known.session_key
    from {{ part_of(candidates, beads_sql) }} as known
    inner join ({{ beads_sql }}) as beads
        on known.beads_project_id = beads.beads_project_id and known.bead_id = beads.bead_id
  {%- endset -%}
  {{ return(sessions_sql ~ ' union ' ~ mates) }}
{%- endmacro %}

{% macro columns_of_sessions(relations, columns, sessions_sql, condition='true') -%}
  {#- A query of what some columns hold in the rows of sessions, over several models. -#}
  {%- set queries = [] -%}
  {%- for relation in relations -%}
    {%- do queries.append('select ' ~ columns ~ ' from ' ~ part_of(relation, sessions_sql)
        ~ ' where ' ~ condition ~ ' and session_key in (' ~ sessions_sql ~ ')') -%}
  {%- endfor -%}
  {{ return(queries | join(' union ')) }}
{%- endmacro %}

{% macro capped_sessions_sql(caps) -%}
  {#- A query of the sessions whose caps must be looked at again, complete for every town, role and month that is touched. `caps`:
      the model that calls, as it was left by the build before. Only for incremental builds. -#}
  {%- set candidates = ref('int_episode_candidates') -%}
  {%- set changed = asked_once(
      'selection_changed',
      'select session_key from ' ~ touched(candidates)
      ~ ' union select session_key from ' ~ touched(ref('fct_duplicates'))
      ~ ' union select session_key from ' ~ touched(ref('fct_examples'))
  ) -%}
  {%- set beads = columns_of_sessions([candidates, caps], 'beads_project_id, bead_id', changed, 'bead_id is not null') -%}
  {%- set related = asked_once('selection_related', bead_mates_sql(candidates, changed, asked_once('selection_beads', beads))) -%}
  {%- set months = asked_once(
      'selection_months', columns_of_sessions([candidates, caps], 'town_id, role_family, session_month', related)
  ) -%}
  {%- set query -%}
    {{ related }}
    union
    select known.session_key
    from {{ part_of(candidates, months) }} as known
    inner join ({{ months }}) as months
        on
            known.town_id = months.town_id
            and known.role_family = months.role_family
            and known.session_month = months.session_month
  {%- endset -%}
  {{ return(asked_once('selection_capped', query)) }}
{%- endmacro %}

{% macro compared_sessions_sql(caps) -%}
  {#- Those sessions, and all others that worked on one of their beads: whom they must be compared with. -#}
  {%- set candidates, capped = ref('int_episode_candidates'), capped_sessions_sql(caps) -%}
  {%- set beads = asked_once(
      'selection_compared_beads', columns_of_sessions([candidates], 'beads_project_id, bead_id', capped, 'bead_id is not null')
  ) -%}
  {{ return(asked_once('selection_compared', bead_mates_sql(candidates, capped, beads))) }}
{%- endmacro %}

{% macro selection_sessions_sql() -%}
  {#- A query of the sessions whose selection must be looked at again: what puts episodes out, or their splits, are others. -#}
  {%- set query = 'select session_key from ' ~ touched(ref('int_selection_caps'))
      ~ ' union select session_key from ' ~ touched(ref('fct_splits')) -%}
  {{ return(asked_once('selection_sessions', query)) }}
{%- endmacro %}
