{# Names that are put together from a bead's id: branches and agents' own beads. #}

{# Bead a polecat's branch is named after: `polecat/<name>/<bead>@<random>`, or `polecat/<bead>`; null for `polecat/<name>-<random>`. #}
{% macro branch_bead(branch) -%}
coalesce(
    {{ regex_group(branch, '^polecat/[^/]+/([a-z0-9]+-[a-z0-9.-]+)@[^@]*$', 1) }},
    {{ regex_group(branch, '^polecat/[^/]+/([a-z0-9]+-[a-z0-9.-]+)$', 1) }}
)
{%- endmacro %}


{# Address of the agent that a bead like `gt-gastown-polecat-nux` or `hq-mayor` belongs to; null when the id does not show its rig. #}
{% macro bead_agent_address(bead_id, role_type, rig) -%}
case
    when {{ role_type }} in ('mayor', 'deacon') then {{ role_type }}
    when {{ role_type }} = 'boot' then 'deacon/boot'
    when {{ role_type }} = 'dog' then concat('deacon/dogs/', {{ regex_group(bead_id, '-dog-(.+)$', 1) }})
    when {{ rig }} is null then null
    when {{ role_type }} in ('witness', 'refinery') then concat({{ rig }}, '/', {{ role_type }})
    when {{ role_type }} in ('polecat', 'crew') and instr({{ bead_id }}, concat('-', {{ rig }}, '-', {{ role_type }}, '-')) > 0
        then concat(
            {{ rig }},
            case when {{ role_type }} = 'crew' then '/crew/' else '/polecats/' end,
            substr(
                {{ bead_id }},
                cast(instr({{ bead_id }}, concat('-', {{ rig }}, '-', {{ role_type }}, '-')) as integer)
                + cast(length({{ rig }}) as integer) + cast(length({{ role_type }}) as integer) + 3
            )
        )
end
{%- endmacro %}
