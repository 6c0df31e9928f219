{# What the models of groups and splits share. #}

{% macro group_node(kind, name) -%}
  {#- The number of a node of the graph whose connected components are the groups. -#}
  {{ text_number("concat('" ~ kind ~ "|', " ~ name ~ ")") }}
{%- endmacro %}

{% macro bead_node(beads_project_id, bead_id) -%}
  {{ group_node('bead', "concat(" ~ beads_project_id ~ ", '|', " ~ bead_id ~ ")") }}
{%- endmacro %}

{% macro split_rule(name) -%}
  {#- The number of a rule of the seed `split_rules`. -#}
  (select max(value) from {{ ref('split_rules') }} where rule = '{{ name }}')
{%- endmacro %}

{% macro split_rank(split) -%}
  {#- The strictest split of a merged group wins. -#}
  case {{ split }} when 'test' then 3 when 'eval' then 2 when 'train' then 1 end
{%- endmacro %}

{% macro split_of_rank(rank) -%}
  case {{ rank }} when 3 then 'test' when 2 then 'eval' when 1 then 'train' end
{%- endmacro %}

{% macro text_node(text_hash) -%}
  {{ group_node('text', "cast(" ~ text_hash ~ " as varchar)") }}
{%- endmacro %}

{% macro hub_sessions_sql() -%}
  {#- Sessions with an episode that may hang on other hubs than before. Only for incremental builds. -#}
  {{ return(asked_once(
      'hub_sessions',
      'select session_key from ' ~ touched(ref('fct_episodes'))
      ~ ' union select session_key from ' ~ touched(ref('int_fork_families'))
      ~ ' union select session_key from ' ~ touched(ref('bridge_episode_bead'))
      ~ ' union select session_key from ' ~ touched(ref('int_conversation_signatures'))
  )) }}
{%- endmacro %}

{% macro touched_nodes_sql(nodes) -%}
  {#- Nodes that have, or had, another edge than in the last release. `nodes`: the model of nodes itself. Only for incremental builds. -#}
  {%- set hubs, edges = ref('int_episode_hubs'), ref('int_hub_edges') -%}
  {%- set sessions = 'select session_key from ' ~ touched(hubs) -%}
  {{ return(asked_once(
      'group_touched_nodes',
      'select node from ' ~ part_of(hubs, sessions) ~ ' where session_key in (' ~ sessions ~ ')'
      ~ ' union select hub as node from ' ~ part_of(hubs, sessions) ~ ' where session_key in (' ~ sessions ~ ')'
      ~ ' union select node from ' ~ part_of(nodes, sessions) ~ ' where session_key in (' ~ sessions ~ ')'
      ~ ' union select hub as node from ' ~ touched(edges)
      ~ ' union select other_hub as node from ' ~ touched(edges)
  )) }}
{%- endmacro %}

{% macro old_components_sql(nodes) -%}
  {#- The components those nodes were part of. -#}
  {%- set touched_nodes = touched_nodes_sql(nodes) -%}
  {{ return(asked_once(
      'group_old_components',
      'select distinct component from ' ~ part_of(nodes, touched_nodes) ~ ' where node in (' ~ touched_nodes ~ ')'
  )) }}
{%- endmacro %}

{% macro regrouped_nodes_sql(nodes) -%}
  {#- Every node whose component must be looked for again. An edge that leads out of them would have been known before. -#}
  {%- set components = old_components_sql(nodes) -%}
  {{ return(asked_once(
      'regrouped_nodes',
      touched_nodes_sql(nodes)
      ~ ' union select node from ' ~ part_of(nodes, components) ~ ' where component in (' ~ components ~ ')'
  )) }}
{%- endmacro %}

{% macro regrouped_sessions_sql(nodes) -%}
  {#- The sessions of those nodes that are episodes. -#}
  {%- set components = old_components_sql(nodes) -%}
  {{ return(asked_once(
      'regrouped_sessions',
      'select session_key from ' ~ touched(ref('int_episode_hubs'))
      ~ ' union select session_key from ' ~ part_of(nodes, components)
      ~ ' where session_key is not null and component in (' ~ components ~ ')'
  )) }}
{%- endmacro %}

{% macro grouped_sessions_sql() -%}
  {#- Sessions with an episode whose group is another one or has other members. -#}
  {%- set components = 'select component from ' ~ touched(ref('int_group_nodes')) -%}
  {{ return(asked_once(
      'grouped_sessions',
      'select session_key from ' ~ touched(ref('int_episode_hubs'))
      ~ ' union select session_key from ' ~ part_of(ref('int_group_nodes'), components)
      ~ ' where session_key is not null and component in (' ~ components ~ ')'
  )) }}
{%- endmacro %}

{% macro grouped_components_sql() -%}
  {#- Every component those sessions have an episode in. -#}
  {%- set sessions = grouped_sessions_sql() -%}
  {{ return(asked_once(
      'grouped_components',
      'select distinct component from ' ~ part_of(ref('int_group_nodes'), sessions) ~ ' where session_key in (' ~ sessions ~ ')'
  )) }}
{%- endmacro %}

{% macro hash_share(salt, key) -%}
  {#- A number from 0 to 1 that a key draws by its hash; another salt is another draw. -#}
  (cast({{ text_number("concat(" ~ salt ~ ", " ~ key ~ ")") }} as double) / 1152921504606846976)
{%- endmacro %}

{% macro split_sessions_sql() -%}
  {#- Sessions with an episode whose split may be another one: its group changed, or who of it is admitted. With all their groups' sessions. -#}
  {%- set groups = ref('fct_groups') -%}
  {%- set changed = 'select session_key from ' ~ touched(groups)
      ~ ' union select session_key from ' ~ touched(ref('int_selection_caps'))
      ~ ' union select session_key from ' ~ touched(ref('int_episode_candidates')) -%}
  {%- set group_keys = asked_once(
      'split_groups',
      'select distinct group_key from ' ~ part_of(groups, changed) ~ ' where session_key in (' ~ changed ~ ')'
  ) -%}
  {{ return(asked_once(
      'split_sessions',
      changed ~ ' union select session_key from ' ~ part_of(groups, group_keys) ~ ' where group_key in (' ~ group_keys ~ ')'
  )) }}
{%- endmacro %}

{% macro judged_sessions_sql(splits) -%}
  {#- Sessions whose rows in `splits`, the model of splits itself, may differ: their split changed, or what keeps an episode out. -#}
  {%- set roles = 'select role_family from ' ~ touched(ref('fct_group_sizes')) -%}
  {%- set query -%}
    select session_key from {{ touched(ref('int_split_ledger')) }}
    union
    select session_key from {{ touched(ref('int_eval_turn_holders')) }}
    union
    select known.session_key
    from {{ part_of(splits, 'select episode_key from ' ~ touched(ref('int_seen_in_training'))) }} as known
    where known.episode_key in (select episode_key from {{ touched(ref('int_seen_in_training')) }})
    union
    select known.session_key
    from {{ part_of(splits, roles) }} as known
    inner join {{ ref('fct_group_sizes') }} as sizes on known.role_family = sizes.role_family
    where sizes.is_kept_out <> (coalesce(known.split_excluded_reason, '') = 'group_too_large')
  {%- endset -%}
  {{ return(asked_once('judged_sessions', query)) }}
{%- endmacro %}
