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


{# The query `keys` with its column `name` called bead_id. #}
{% macro bead_keys_of(keys, name) -%}
  {{ return('select beads_project_id, ' ~ name ~ ' as bead_id from (' ~ keys ~ ') as keys') }}
{%- endmacro %}


{# The query `keys` (beads_project_id, bead_id) with bead_id called `name`. #}
{% macro bead_keys_as(keys, name) -%}
  {{ return('select beads_project_id, bead_id as ' ~ name ~ ' from (' ~ keys ~ ') as keys') }}
{%- endmacro %}
