{# How episodes are linked to beads. #}

{% macro signalled_sessions() -%}
  {#- A query of the sessions to which the town may now say something else: their episodes changed, or an agent's hands, finished
      work or telemetry did since. Only for incremental builds. -#}
  {%- set signals -%}
    select town_id, agent_address, recorded_at as changed_at
    from {{ part_of(ref('int_bead_town_events'), touched(ref('int_bead_town_events'))) }}
    where event_hash in (select event_hash from {{ touched(ref('int_bead_town_events')) }})
    union all
    select observed.town_id, reports.agent_address, coalesce(reports.completed_at, reports.changed_at_as_recorded) as changed_at
    from {{ part_of(ref('int_agent_reports'), touched(ref('int_agent_reports'))) }} as reports
    inner join {{ ref('bridge_town_database') }} as observed on reports.beads_project_id = observed.beads_project_id
    where reports.event_key in (select event_key from {{ touched(ref('int_agent_reports')) }})
    union all
    select observed.town_id, reports.agent_address, reports.changed_at_as_recorded as changed_at
    from {{ ref('int_agent_reports') }} as reports
    inner join {{ touched(ref('int_clock_offsets')) }} as touched_days
      on reports.beads_project_id = touched_days.beads_project_id
      and cast(reports.changed_at_as_recorded as date) = touched_days.recorded_on
    inner join {{ ref('bridge_town_database') }} as observed on reports.beads_project_id = observed.beads_project_id
    union all
    select observed.town_id, changes.actor_address as agent_address, changes.occurred_at as changed_at
    from {{ part_of(ref('fct_bead_events'), touched(ref('fct_bead_events'))) }} as changes
    inner join {{ ref('bridge_town_database') }} as observed on changes.beads_project_id = observed.beads_project_id
    where changes.event_key in (select event_key from {{ touched(ref('stg_beads__events')) }})
    union all
    select observed.town_id, changes.actor_address as agent_address, changes.occurred_at as changed_at
    from {{ part_of(ref('fct_bead_events'), touched(ref('fct_bead_events'))) }} as changes
    inner join {{ touched(ref('int_clock_offsets')) }} as touched_days
      on changes.beads_project_id = touched_days.beads_project_id
      and cast(changes.changed_at_as_recorded as date) = touched_days.recorded_on
    inner join {{ ref('bridge_town_database') }} as observed on changes.beads_project_id = observed.beads_project_id
    union all
    select observed.town_id, attempts.assignee_address as agent_address, attempts.hooked_at as changed_at
    from {{ part_of(ref('fct_attempts'), touched(ref('fct_attempts'))) }} as attempts
    inner join {{ touched(ref('fct_attempts')) }} as touched_attempts
      on attempts.beads_project_id = touched_attempts.beads_project_id and attempts.bead_id = touched_attempts.bead_id
    inner join {{ ref('bridge_town_database') }} as observed on attempts.beads_project_id = observed.beads_project_id
    union all
    select town_id, agent_address, first_recorded_at as changed_at
    from {{ part_of(ref('int_telemetry_bead_marks'), touched(ref('int_telemetry_bead_marks'))) }}
    where event_hash in (select event_hash from {{ touched(ref('int_telemetry_bead_marks')) }})
  {%- endset -%}
  {%- set query -%}
    select session_key from {{ touched(ref('fct_episodes')) }}
    union
    select episodes.session_key
    from {{ part_of(ref('fct_episodes'), 'select agent_address from (' ~ signals ~ ') as signals') }} as episodes
    inner join (
      select town_id, agent_address, min(changed_at) as changed_since from ({{ signals }}) as signals group by town_id, agent_address
    ) as changed
      on episodes.town_id = changed.town_id and episodes.agent_address = changed.agent_address
    -- A database's own clock is at most a day off.
    where episodes.ended_at >= {{ seconds_added('changed.changed_since', '-86400') }}
    {% for harness in harnesses() -%}
    union
    select {{ session_key('observed.town_id', harness, 'beads.closed_by_session') }} as session_key
    from {{ part_of(ref('int_beads'), touched(ref('int_beads'))) }} as beads
    inner join {{ touched(ref('int_beads')) }} as touched_beads
      on beads.beads_project_id = touched_beads.beads_project_id and beads.bead_id = touched_beads.bead_id
    inner join {{ ref('bridge_town_database') }} as observed on beads.beads_project_id = observed.beads_project_id
    where beads.closed_by_session is not null
    union
    select {{ session_key('town_id', harness, 'session_id') }} as session_key
    from {{ touched(ref('int_telemetry_bead_marks')) }}
    where session_id is not null
    {% endfor -%}
  {%- endset -%}
  {{ return(query) }}
{%- endmacro %}


{% macro renamed_sessions() -%}
  {#- A query of the sessions whose transcripts name a bead, or what leads to one, that changed. Only for incremental builds. -#}
  {%- set names -%}
    select bead_id as name from {{ touched(ref('int_beads')) }}
    union
    select attached_molecule as name
    from {{ part_of(ref('int_beads'), touched(ref('int_beads'))) }}
    where attached_molecule is not null
    {% for name in ['merge_request_id', 'branch', 'left(commit_sha, 7)'] -%}
    union
    select {{ name }} as name
    from {{ part_of(ref('fct_merge_requests'), touched(ref('fct_merge_requests'))) }}
    where {{ name }} is not null
    {% endfor -%}
  {%- endset -%}
  {%- set query -%}
    select session_key from {{ touched(ref('int_episode_bead_mentions')) }}
    union
    select session_key from {{ touched(ref('int_episode_bead_signals')) }}
    union
    select session_key
    from {{ part_of(ref('int_episode_bead_mentions'), names) }}
    where name in ({{ names }})
    union
    select session_key
    from {{ part_of(ref('int_episode_bead_signals'), names) }}
    where name in ({{ names }})
  {%- endset -%}
  {{ return(query) }}
{%- endmacro %}

{% macro primary_beads(votes) -%}
  {#- A query of the bead each episode was for. `votes`: a relation with the columns of fct_episode_bead_votes. Bridges of one family
      repeat each other, so that the strongest of a family speaks for it; families are independent: 1 - (1 - a)(1 - b)…. The bead with
      the greatest score wins when enough families agree on it (link_thresholds) or one bridge is enough alone. -#}
  select
      ranked.episode_key,
      ranked.beads_project_id,
      ranked.bead_id,
      {{ link_confidence('ranked.score', 'coalesce(ranked.next_score, 0)') }} as confidence,
      ranked.family_count,
      ranked.is_enough_alone
  from (
      select
          *,
          lead(score) over (partition by episode_key order by score desc, bead_id, beads_project_id) as next_score,
          row_number() over (partition by episode_key order by score desc, bead_id, beads_project_id) as place
      from (
          select
              episode_key,
              beads_project_id,
              bead_id,
              round(1 - exp(cast(sum(ln(1 - confidence)) as double)), 6) as score,
              cast(count(*) as bigint) as family_count,
              max(is_enough_alone) = 1 as is_enough_alone
          from (
              select
                  episode_key,
                  beads_project_id,
                  bead_id,
                  family,
                  max(confidence) as confidence,
                  max(case when is_enough_alone then 1 else 0 end) as is_enough_alone
              from {{ votes }}
              where is_for_primary
              group by episode_key, beads_project_id, bead_id, family
          ) as families
          group by episode_key, beads_project_id, bead_id
      ) as scored
  ) as ranked
  cross join (
      select
          max(case when threshold = 'least_confidence' then threshold_value end) as least_confidence,
          max(case when threshold = 'least_families' then threshold_value end) as least_families
      from {{ ref('link_thresholds') }}
  ) as thresholds
  where
      ranked.place = 1
      and (ranked.is_enough_alone or ranked.family_count >= thresholds.least_families)
      and {{ link_confidence('ranked.score', 'coalesce(ranked.next_score, 0)') }} >= thresholds.least_confidence
{%- endmacro %}

{% macro link_confidence(score, next_score) -%}
  {#- The winner's score, less by the odds that it is the runner-up instead; never certain. -#}
  round(least(
      {{ score }} * {{ score }} * (1 - {{ next_score }})
      / ({{ score }} * (1 - {{ next_score }}) + {{ next_score }} * (1 - {{ score }})),
      0.99
  ), 4)
{%- endmacro %}
