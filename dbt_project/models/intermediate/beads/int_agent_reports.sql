{{ config(
    incremental=true,
    unique_key=['beads_project_id', 'agent_bead_id', 'event_key'],
    order_by=['changed_at_as_recorded', 'beads_project_id', 'agent_bead_id'],
    statistics=['beads_project_id', 'agent_bead_id', 'bead_id', 'changed_at_as_recorded', 'completed_at'],
    tags=['scope:global']
) }}

{% set fields = ['role_type', 'rig', 'agent_state', 'hook_bead', 'cleanup_status', 'active_mr', 'exit_type', 'mr_id', 'branch'] %}

-- Each change of an agent's bead writes its whole description, so that one event tells all; what it overwrote is in no other place.
with descriptions as (

    select
        events.beads_project_id,
        events.bead_id as agent_bead_id,
        events.event_key,
        events.actor,
        events.old_hook_bead,
        events.new_description as description,
        events.created_at_as_recorded as changed_at_as_recorded
    from {{ part_of(ref('stg_beads__events'), touched(ref('stg_beads__events'))) }} as events
    {% if is_incremental() %}
    inner join {{ touched(ref('stg_beads__events')) }} as touched_events
        on
            events.beads_project_id = touched_events.beads_project_id
            and events.bead_id = touched_events.bead_id
            and events.event_key = touched_events.event_key
    {% endif %}
    where {{ description_field('events.new_description', 'role_type') }} is not null

),

described as (

    select
        beads_project_id,
        agent_bead_id,
        event_key,
        {{ canonical_address('actor') }} as actor_address,
        old_hook_bead,
        {% for name in fields %}{{ description_field('description', name) }} as {{ name }},
        {% endfor %}{{ to_boolean('lower(' ~ description_field('description', 'mr_failed') ~ ')') }} as is_mr_failed,
        {{ to_boolean('lower(' ~ description_field('description', 'push_failed') ~ ')') }} as is_push_failed,
        {{ to_timestamp_utc(description_field('description', 'completion_time')) }} as completed_at,
        changed_at_as_recorded
    from descriptions

)

select
    beads_project_id,
    agent_bead_id,
    event_key,
    actor_address,
    role_type,
    rig,
    {{ bead_agent_address('agent_bead_id', 'role_type', 'rig') }} as agent_address,
    agent_state,
    -- An exit is about what was on the hook until then, unless the branch says better.
    coalesce({{ branch_bead('branch') }}, old_hook_bead, hook_bead) as bead_id,
    hook_bead as hook_bead_id,
    old_hook_bead as previous_hook_bead_id,
    cleanup_status,
    active_mr as active_merge_request_id,
    exit_type,
    mr_id as merge_request_id,
    branch,
    {{ branch_bead('branch') }} as branch_bead_id,
    is_mr_failed,
    is_push_failed,
    completed_at,
    changed_at_as_recorded
from described
