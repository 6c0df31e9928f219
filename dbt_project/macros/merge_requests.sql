{# Which merge requests a build must look at again. #}

{# A query of the works (see fct_merge_requests.work_id) that requests of this build belonged to until now. Only for incremental builds. #}
{% macro left_works() -%}
  {#- A request may turn out to be another bead's. -#}
  {%- set query -%}
    select
        held.beads_project_id,
        held.work_id
    from {{ part_of(this, touched(ref('int_merge_requests'))) }} as held
    inner join {{ touched(ref('int_merge_requests')) }} as touched_requests
        on
            held.beads_project_id = touched_requests.beads_project_id
            and held.merge_request_id = touched_requests.merge_request_id
  {%- endset -%}
  {{ return(query) }}
{%- endmacro %}


{# A query of the sightings that beads which changed have had until now, so that none outlives its reason. Only for incremental builds. #}
{% macro sightings_held() -%}
  {#- A bead may turn out to be no merge request, or an agent's, which has no life to replay. -#}
  {%- set rows = 'select beads_project_id, bead_id as sighting_key from ' ~ touched(ref('int_beads')) -%}
  {%- set query -%}
    select
        held.beads_project_id,
        held.merge_request_id,
        held.sighting_key
    from {{ part_of(this, touched(ref('fct_bead_events'))) }} as held
    inner join {{ touched(ref('fct_bead_events')) }} as touched_beads
        on held.beads_project_id = touched_beads.beads_project_id and held.bead_id = touched_beads.bead_id
    where held.evidence = 'close_reason'
    union all
    select
        held.beads_project_id,
        held.merge_request_id,
        held.sighting_key
    from {{ part_of(this, rows) }} as held
    inner join ({{ rows }}) as touched_rows
        on held.beads_project_id = touched_rows.beads_project_id and held.sighting_key = touched_rows.sighting_key
    where held.evidence in ('row', 'conflict_task')
  {%- endset -%}
  {{ return(query) }}
{%- endmacro %}


{# The query `keys` with its column `name` called bead_id. #}
{% macro bead_keys_of(keys, name) -%}
  {{ return('select beads_project_id, ' ~ name ~ ' as bead_id from (' ~ keys ~ ') as keys') }}
{%- endmacro %}


{# The query `keys` (beads_project_id, bead_id) with bead_id called `name`. #}
{% macro bead_keys_as(keys, name) -%}
  {{ return('select beads_project_id, bead_id as ' ~ name ~ ' from (' ~ keys ~ ') as keys') }}
{%- endmacro %}
