{#
  Addresses: who an agent is.

  A town writes the same address in several forms (`gastown/Toast` and `gastown/polecats/Toast`, `mayor/` and `mayor`,
  `deacon-boot` and `deacon/boot`). These macros turn every form into one:

    mayor · deacon · deacon/boot · deacon/dogs/<name> · <rig>/witness · <rig>/refinery · <rig>/crew/<name> · <rig>/polecats/<name>

  and read role, rig and name out of that one form. They use regexp_extract, concat, case and split_part only, which DuckDB and
  Spark share; an extraction that finds nothing is '' in both.
#}

{# The canonical address of `text`, or null when it is none (a person, a program, a tmux name). #}
{% macro canonical_address(text) -%}
case
    when regexp_extract({{ text }}, '^(mayor|deacon)/*$', 1) <> ''
        then regexp_extract({{ text }}, '^(mayor|deacon)/*$', 1)
    when regexp_extract({{ text }}, '^(boot|deacon-boot|deacon/boot|deacon/dogs/boot)/*$', 1) <> ''
        then 'deacon/boot'
    when regexp_extract({{ text }}, '^deacon/dogs/([^/ ]+)/*$', 1) <> ''
        then concat('deacon/dogs/', regexp_extract({{ text }}, '^deacon/dogs/([^/ ]+)/*$', 1))
    when regexp_extract({{ text }}, '^([^/ ]+)/(crew|polecats)/([^/ ]+)/*$', 3) <> ''
        then regexp_extract({{ text }}, '^([^/ ]+/(crew|polecats)/[^/ ]+)/*$', 1)
    when regexp_extract({{ text }}, '^(mayor|deacon)/', 1) <> '' then null
    when regexp_extract({{ text }}, '^([^/ ]+)/(witness|refinery)/*$', 2) <> ''
        then regexp_extract({{ text }}, '^([^/ ]+/(witness|refinery))/*$', 1)
    when regexp_extract({{ text }}, '^([^/ ]+)/(mayor|crew|polecats|deacon|dogs)/*$', 2) <> '' then null
    when {{ is_short_address(text) }}
        then concat(
            regexp_extract({{ text }}, '^([^/ ]+)/([^/ ]+)/*$', 1),
            '/polecats/',
            regexp_extract({{ text }}, '^([^/ ]+)/([^/ ]+)/*$', 2)
        )
end
{%- endmacro %}


{# `<rig>/<name>`: the old form, which does not say polecat or crew. It is read as a polecat, which it nearly always is. #}
{% macro is_short_address(text) -%}
(
    regexp_extract({{ text }}, '^([^/ ]+)/([^/ ]+)/*$', 2) <> ''
    and regexp_extract({{ text }}, '^(mayor|deacon)/', 1) = ''
    and regexp_extract({{ text }}, '/(witness|refinery|mayor|crew|polecats|deacon|dogs)/*$', 1) = ''
)
{%- endmacro %}


{#
  Address of an agent that is named beside its rig. Events of the town itself give `town` as the rig; patrols name witness, refinery
  and deacon where polecats are named.
#}
{% macro local_address(rig, name) -%}
case
    when {{ name }} in ('mayor', 'deacon') then {{ name }}
    when {{ name }} = 'boot' then 'deacon/boot'
    when {{ rig }} is null or {{ rig }} in ('', 'town') or {{ name }} = '' or {{ name }} like '%/%' then null
    when {{ name }} in ('witness', 'refinery') then concat({{ rig }}, '/', {{ name }})
    else concat({{ rig }}, '/polecats/', {{ name }})
end
{%- endmacro %}


{# Role of a canonical address. #}
{% macro address_role(address) -%}
case
    when {{ address }} = 'mayor' then 'mayor'
    when {{ address }} = 'deacon' then 'deacon'
    when {{ address }} = 'deacon/boot' then 'boot'
    when {{ address }} like 'deacon/dogs/%' then 'dog'
    when {{ address }} like '%/crew/%' then 'crew'
    when {{ address }} like '%/polecats/%' then 'polecat'
    when {{ address }} like '%/witness' then 'witness'
    when {{ address }} like '%/refinery' then 'refinery'
end
{%- endmacro %}


{# Rig of a canonical address; null for town-level roles. #}
{% macro address_rig(address) -%}
case
    when {{ address }} in ('mayor', 'deacon') or {{ address }} like 'deacon/%' then null
    else split_part({{ address }}, '/', 1)
end
{%- endmacro %}


{# Name of a dog, crew member or polecat; null for roles that exist once. #}
{% macro address_name(address) -%}
case
    when {{ address }} like 'deacon/dogs/%' or {{ address }} like '%/crew/%' or {{ address }} like '%/polecats/%'
        then split_part({{ address }}, '/', 3)
end
{%- endmacro %}


{#
  What kind of actor wrote `text`: agent (has an address), role_only (a role without its rig or name), program, model (a model
  name in the place of an address: a wrong git identity), display_name (`Polecat Obsidian`), person, or other.
#}
{% macro actor_kind(text) -%}
case
    when {{ text }} is null or {{ text }} = '' then 'none'
    when {{ canonical_address(text) }} is not null then 'agent'
    when regexp_extract({{ text }}, '^/?(dog|polecat|crew|witness|refinery)/*$', 1) <> '' then 'role_only'
    when {{ text }} in ('gt', 'bd', 'daemon', 'system', 'scheduler', 'reaper', 'gt-sling') then 'program'
    when regexp_extract({{ text }}, '^(Claude|GPT|Gemini|Codex|Qwen|Kimi|DeepSeek|Grok|Llama|Mistral)[ -]', 1) <> '' then 'model'
    when regexp_extract({{ text }}, '^(Polecat|Crew|Witness|Refinery|Mayor|Deacon|Dog) [^ ]', 1) <> '' then 'display_name'
    when {{ text }} in ('overseer', 'human') or {{ text }} like '%_@_%' or regexp_extract({{ text }}, '^[^/ ]+( [^/ ]+)+$', 1) <> ''
        then 'person'
    else 'other'
end
{%- endmacro %}


{#
  Address of the agent whose home holds `root_path` (a path relative to the town's root), by the table of role homes.
  The rig's own clone (`<rig>/mayor/rig`), the rig folder and the town root are nobody's home: null.
#}
{% macro path_address(root_path) -%}
case
    when regexp_extract({{ root_path }}, '^(mayor)(/|$)', 1) <> '' then 'mayor'
    when regexp_extract({{ root_path }}, '^(deacon/dogs/boot)(/|$)', 1) <> '' then 'deacon/boot'
    when regexp_extract({{ root_path }}, '^(deacon/dogs/[^/]+)', 1) <> ''
        then regexp_extract({{ root_path }}, '^(deacon/dogs/[^/]+)', 1)
    when regexp_extract({{ root_path }}, '^(deacon)(/|$)', 1) <> '' then 'deacon'
    -- a town's own folders are no rigs
    when regexp_extract({{ root_path }}, '^([.][^/]*|settings|plugins|logs|daemon|events|directives|config)(/|$)', 1) <> '' then null
    when regexp_extract({{ root_path }}, '^([^/]+/(witness|refinery))(/|$)', 1) <> ''
        then regexp_extract({{ root_path }}, '^([^/]+/(witness|refinery))(/|$)', 1)
    when regexp_extract({{ root_path }}, '^([^/]+/(crew|polecats)/[^/]+)', 1) <> ''
        then regexp_extract({{ root_path }}, '^([^/]+/(crew|polecats)/[^/]+)', 1)
end
{%- endmacro %}


{#
  The part of an absolute `cwd` from the role's folder on, found by the shape of its end; null when no role home is recognised.
  Needed where a record holds a path of an agent's host that no declared root can shorten.
#}
{% macro role_folder(cwd) -%}
case
    when regexp_extract({{ cwd }}, '^.*/([^/]+/(crew|polecats)/[^/]+(/.*)?)$', 1) <> ''
        then regexp_extract({{ cwd }}, '^.*/([^/]+/(crew|polecats)/[^/]+(/.*)?)$', 1)
    when regexp_extract({{ cwd }}, '^.*/([^/]+/(witness|refinery)(/rig)?)/*$', 1) <> ''
        then regexp_extract({{ cwd }}, '^.*/([^/]+/(witness|refinery)(/rig)?)/*$', 1)
    when regexp_extract({{ cwd }}, '^.*/(deacon/dogs/[^/]+)/*$', 1) <> ''
        then regexp_extract({{ cwd }}, '^.*/(deacon/dogs/[^/]+)/*$', 1)
    when regexp_extract({{ cwd }}, '^.*/(deacon|mayor)/*$', 1) <> ''
        then regexp_extract({{ cwd }}, '^.*/(deacon|mayor)/*$', 1)
end
{%- endmacro %}


{# Address of a startup beacon's recipient: `polecat nux (rig: gastown)`, `witness (rig: gastown)`, `mayor`, or a path-like form. #}
{% macro beacon_address(recipient) -%}
case
    when regexp_extract({{ recipient }}, '^(witness|refinery) [(]rig: *([^) ]+)[)]$', 1) <> ''
        then concat(
            regexp_extract({{ recipient }}, '^(witness|refinery) [(]rig: *([^) ]+)[)]$', 2),
            '/',
            regexp_extract({{ recipient }}, '^(witness|refinery) [(]rig: *([^) ]+)[)]$', 1)
        )
    when regexp_extract({{ recipient }}, '^polecat ([^ ]+) [(]rig: *([^) ]+)[)]$', 1) <> ''
        then concat(
            regexp_extract({{ recipient }}, '^polecat ([^ ]+) [(]rig: *([^) ]+)[)]$', 2),
            '/polecats/',
            regexp_extract({{ recipient }}, '^polecat ([^ ]+) [(]rig: *([^) ]+)[)]$', 1)
        )
    when regexp_extract({{ recipient }}, '^crew ([^ ]+) [(]rig: *([^) ]+)[)]$', 1) <> ''
        then concat(
            regexp_extract({{ recipient }}, '^crew ([^ ]+) [(]rig: *([^) ]+)[)]$', 2),
            '/crew/',
            regexp_extract({{ recipient }}, '^crew ([^ ]+) [(]rig: *([^) ]+)[)]$', 1)
        )
    when regexp_extract({{ recipient }}, '^dog ([^ /]+)', 1) = 'boot' then 'deacon/boot'
    when regexp_extract({{ recipient }}, '^dog ([^ /]+)', 1) <> ''
        then concat('deacon/dogs/', regexp_extract({{ recipient }}, '^dog ([^ /]+)', 1))
    else {{ canonical_address(recipient) }}
end
{%- endmacro %}


{#
  Address of a tmux session name. `rig`, `rest`: the rig whose prefix the name begins with and what follows the hyphen; both null
  when no registered prefix fits. `hq-` is the town's own prefix, but may also be a rig's.
#}
{% macro tmux_address(tmux_name, rig, rest) -%}
case
    when {{ tmux_name }} in ('hq-mayor', 'hq-deacon') then substr({{ tmux_name }}, 4)
    when {{ tmux_name }} = 'hq-boot' then 'deacon/boot'
    when {{ tmux_name }} = 'hq-overseer' then null
    when {{ tmux_name }} like 'hq-dog-_%' then concat('deacon/dogs/', substr({{ tmux_name }}, 8))
    when {{ tmux_name }} like 'gt-dog-_%' then concat('deacon/dogs/', substr({{ tmux_name }}, 8))
    when {{ rig }} is null or {{ rest }} = '' then null
    when {{ rest }} in ('witness', 'refinery') then concat({{ rig }}, '/', {{ rest }})
    when {{ rest }} like 'crew-_%' then concat({{ rig }}, '/crew/', substr({{ rest }}, 6))
    else concat({{ rig }}, '/polecats/', {{ rest }})
end
{%- endmacro %}


{# The tmux session name of an address. `prefix`: its rig's bead prefix. #}
{% macro address_tmux_name(address, prefix) -%}
case
    when {{ address }} in ('mayor', 'deacon') then concat('hq-', {{ address }})
    when {{ address }} = 'deacon/boot' then 'hq-boot'
    when {{ address }} like 'deacon/dogs/%' then concat('hq-dog-', split_part({{ address }}, '/', 3))
    when {{ prefix }} is null then null
    when {{ address }} like '%/crew/%' then concat({{ prefix }}, '-crew-', split_part({{ address }}, '/', 3))
    when {{ address }} like '%/polecats/%' then concat({{ prefix }}, '-', split_part({{ address }}, '/', 3))
    else concat({{ prefix }}, '-', split_part({{ address }}, '/', 2))
end
{%- endmacro %}


{# Id of an address's own bead. Boot uses the deacon's. #}
{% macro address_bead_id(address, prefix) -%}
case
    when {{ address }} in ('mayor', 'deacon') then concat('hq-', {{ address }})
    when {{ address }} = 'deacon/boot' then 'hq-deacon'
    when {{ address }} like 'deacon/dogs/%' then concat('hq-dog-', split_part({{ address }}, '/', 3))
    when {{ prefix }} is null then null
    when {{ address }} like '%/crew/%'
        then concat({{ prefix }}, '-', split_part({{ address }}, '/', 1), '-crew-', split_part({{ address }}, '/', 3))
    when {{ address }} like '%/polecats/%'
        then concat({{ prefix }}, '-', split_part({{ address }}, '/', 1), '-polecat-', split_part({{ address }}, '/', 3))
    else concat({{ prefix }}, '-', split_part({{ address }}, '/', 1), '-', split_part({{ address }}, '/', 2))
end
{%- endmacro %}
