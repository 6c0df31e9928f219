{# What the session models share. #}

{% macro session_key(town_id, harness, session_id) -%}
  {#- One runtime id of one harness in one town. Rows no town can be found for stay together under 'unattributed'. The first six
      characters are the town's, so that tables can lie in the order of towns: what is new in one then touches its own files. -#}
  {%- set town = "coalesce(" ~ town_id ~ ", 'unattributed')" -%}
  concat(
      left({{ text_hash(town) }}, 6),
      left({{ text_hash("concat(" ~ town ~ ", '|', '" ~ harness ~ "', '|', " ~ session_id ~ ")") }}, 26)
  )
{%- endmacro %}

{% macro token_count_of(text) -%}
  {#- A token count as the source wrote it; null when it is no number, negative, or too large to be one. -#}
  case when {{ to_bigint(text) }} between 0 and 1000000000 then {{ to_bigint(text) }} end
{%- endmacro %}

{% macro is_unreadable_usage(usage) -%}
  {#- The source gave a count that is none. -#}
  (
      ({{ usage }}.input_tokens is not null and {{ token_count_of(usage ~ '.input_tokens') }} is null)
      or ({{ usage }}.output_tokens is not null and {{ token_count_of(usage ~ '.output_tokens') }} is null)
      or (
          {{ usage }}.cache_creation_input_tokens is not null
          and {{ token_count_of(usage ~ '.cache_creation_input_tokens') }} is null
      )
      or ({{ usage }}.cache_read_input_tokens is not null and {{ token_count_of(usage ~ '.cache_read_input_tokens') }} is null)
  )
{%- endmacro %}


{% macro smallest_labels(edges, rounds) -%}
  {#- CTEs up to `labels`: each node of the symmetric relation `edges` (node, neighbour) with the smallest node it is connected to.
      A fixed number of rounds instead of recursion. In each, all nodes with one label take the smallest label that any of them meets,
      then twice their label's own label: of a chain's labels at most half are left after a round where they are in no order, and
      2^rounds nodes are one where they stand in theirs. `is_converged` says whether the rounds were enough. -#}
  labels_0 as (

      select distinct
          node,
          node as label
      from {{ edges }}

  ),

  {% for round in range(rounds) -%}
  met_{{ round }} as (

      select
          labels.label,
          min(met.label) as met_label
      from labels_{{ round }} as labels
      inner join {{ edges }} as edges on labels.node = edges.node
      inner join labels_{{ round }} as met on edges.neighbour = met.node
      group by labels.label

  ),

  hooked_{{ round }} as (

      select
          labels.node,
          case when met.met_label < labels.label then met.met_label else labels.label end as label
      from labels_{{ round }} as labels
      inner join met_{{ round }} as met on labels.label = met.label

  ),

  jumped_{{ round }} as (

      select
          hooked.node,
          further.label
      from hooked_{{ round }} as hooked
      inner join hooked_{{ round }} as further on hooked.label = further.node

  ),

  labels_{{ round + 1 }} as (

      select
          jumped.node,
          further.label
      from jumped_{{ round }} as jumped
      inner join jumped_{{ round }} as further on jumped.label = further.node

  ),

  {% endfor -%}
  labels as (

      select
          labels.node,
          labels.label,
          min(case when met.label = labels.label then 1 else 0 end) = 1 as is_converged
      from labels_{{ rounds }} as labels
      inner join {{ edges }} as edges on labels.node = edges.node
      inner join labels_{{ rounds }} as met on edges.neighbour = met.node
      group by labels.node, labels.label

  )
{%- endmacro %}

{% macro ancestors(rounds) -%}
  {#- CTEs over `runs` (session_key, run, parent_run; a root is its own parent): `jumps_n` holds each run's ancestor 2^n steps up,
      or the root. Doubling instead of recursion: `rounds` rounds reach 2^rounds steps. -#}
  jumps_0 as (

      select session_key, run, parent_run as up from runs

  )
  {%- for round in range(rounds) %},

  jumps_{{ round + 1 }} as (

      select
          below.session_key,
          below.run,
          above.up
      from jumps_{{ round }} as below
      inner join jumps_{{ round }} as above on below.session_key = above.session_key and below.up = above.run

  )
  {%- endfor %}
{%- endmacro %}

{% macro reached(rounds) -%}
  {#- CTEs from `reached_0` (session_key, run: the last runs) to `reached`: every run that lies on a way to a root. -#}
  {%- for round in range(rounds) %}
  reached_{{ round + 1 }} as (

      select session_key, run from reached_{{ round }}
      union
      select
          jumps.session_key,
          jumps.up as run
      from reached_{{ round }} as known
      inner join jumps_{{ round }} as jumps on known.session_key = jumps.session_key and known.run = jumps.run

  ),
  {% endfor %}
  reached as (

      select session_key, run from reached_{{ rounds }}

  )
{%- endmacro %}


{% macro town_injection_kind(text) -%}
  {#- Text that the town typed into the agent's terminal or added through a hook, by how it begins. -#}
  case
      when {{ text }} like '[GAS TOWN]%' then 'beacon'
      -- `gt nudge` says who typed it.
      when {{ regex_matches(text, '^[[]from [^]]{1,100}[]] ') }} then 'nudge'
      when {{ regex_matches(
          text,
          '^(MERGE_READY|MERGED|MERGE_FAILED|FIX_NEEDED|REWORK_REQUEST|CONVOY_NEEDS_FEEDING|RECOVERED_BEAD|SPAWN_BLOCKED'
          ~ '|READY_FOR_REVIEW|POLECAT_DONE|POLECAT_STARTED|BRANCH_MISSING|HANDOFF|HELP)[: ]'
      ) }} then 'nudge'
      when {{ text }} like 'GAS TOWN role:%' then 'hook'
  end
{%- endmacro %}

{% macro line_break() -%}
  {#- Between the texts that are joined into one. -#}
  {{ return('\n') }}
{%- endmacro %}

{% macro changed_sessions_sql() -%}
  {#- Sessions that got new records: a query. Only for incremental builds. -#}
  {%- set entries = ref('stg_claude__entries') -%}
  {{ return(asked_once('changed_sessions', 'select distinct session_key from ' ~ entries ~ ' where ' ~ new_rows())) }}
{%- endmacro %}

{% macro touched_sessions_sql() -%}
  {#- Sessions whose rows may differ from what the last release holds: changed ones, and their relatives by fork. -#}
  {%- set changed = changed_sessions_sql() -%}
  {%- set families = ref('int_fork_families') -%}
  {{ return(asked_once('touched_sessions', changed ~ ' union select session_key from ' ~ touched(families))) }}
{%- endmacro %}

{% macro changed_part(relation) -%}
  {#- A model of sessions; in an incremental build the files with sessions that got new records. Filter with `of_changed_sessions`. -#}
  {{- part_of(relation, changed_sessions_sql()) -}}
{%- endmacro %}

{% macro touched_part(relation) -%}
  {#- As `changed_part`, for every session this build must look at again. Filter with `of_touched_sessions`. -#}
  {{- part_of(relation, touched_sessions_sql()) -}}
{%- endmacro %}

{% macro of_changed_sessions(alias=none) -%}
  {#- In an incremental build only the rows of sessions that got new records; in a full build every row. -#}
  {{ session_rows(changed_sessions_sql(), alias) }}
{%- endmacro %}

{% macro of_touched_sessions(alias=none) -%}
  {#- As `of_changed_sessions`, for every session this build must look at again. -#}
  {{ session_rows(touched_sessions_sql(), alias) }}
{%- endmacro %}

{% macro session_rows(sessions_sql, alias=none) -%}
  {%- if is_incremental() -%}
    {{ alias ~ '.' if alias else '' }}session_key in ({{ sessions_sql }})
  {%- else -%}
    true
  {%- endif -%}
{%- endmacro %}

{% macro prompt_size(alias) -%}
  {#- The three counts that make up a prompt's size, as a text: fragments of one response agree in them, the prompt of the next is longer. -#}
  concat(
      coalesce(cast({{ alias }}.input_tokens as varchar), ''), '|',
      coalesce(cast({{ alias }}.cache_creation_tokens as varchar), ''), '|',
      coalesce(cast({{ alias }}.cache_read_tokens as varchar), '')
  )
{%- endmacro %}
