{{ config(
    unique_key=['beads_project_id', 'escalation_id'],
    order_by=['raised_at', 'beads_project_id', 'escalation_id'],
    statistics=['beads_project_id', 'escalation_id', 'raised_at'],
    tags=['scope:global']
) }}

{% set escalation_keys %}
    select beads_project_id, bead_id
    from {{ ref('int_beads') }}
    where kind = 'escalation'
{% endset %}

-- Escalations are few: all of them are looked at anew in each build.
with escalations as (

    select
        beads_project_id,
        bead_id,
        title,
        status,
        created_by_address,
        close_reason,
        escalation_severity,
        escalation_original_severity,
        escalation_reason,
        escalation_source,
        escalation_raised_by,
        escalation_raised_at,
        escalation_acked_by,
        escalation_closed_by,
        escalation_closed_reason,
        escalation_related_bead,
        escalation_reescalation_count
    from {{ ref('int_beads') }}
    where kind = 'escalation'

),

lives as (

    select
        beads_project_id,
        bead_id,
        created_at,
        closed_at,
        is_gone
    from {{ ref('dim_beads') }}
    where kind = 'escalation'

),

-- Answering sets a label; its time is the one of the event that says so.
answers as (

    select
        events.beads_project_id,
        events.bead_id,
        events.label,
        {{ canonical_address('events.actor') }} as actor_address,
        case
            when not events.is_created_at_server_local then events.created_at_as_recorded
            else {{ seconds_added(
                'events.created_at_as_recorded', '-(' ~ clock_offset('events.created_at_as_recorded', 'offsets') ~ ')'
            ) }}
        end as occurred_at,
        row_number() over (
            partition by events.beads_project_id, events.bead_id, events.label
            order by events.created_at_as_recorded, events.event_key
        ) as answer_number
    from {{ part_of(ref('stg_beads__events'), escalation_keys) }} as events
    inner join escalations on events.beads_project_id = escalations.beads_project_id and events.bead_id = escalations.bead_id
    left join {{ ref('int_clock_offsets') }} as offsets
        on
            events.beads_project_id = offsets.beads_project_id
            and cast(events.created_at_as_recorded as date) = offsets.recorded_on
    where events.event_type = 'label_added' and events.label in ('acked', 'resolved')

),

observed as (

    select distinct
        town_id,
        beads_project_id
    from {{ ref('bridge_town_database') }}

),

-- Older exports do not say which label an event sets; the town's log may still tell.
logged as (

    select
        observed.beads_project_id,
        events.bead_id,
        events.agent_address,
        events.recorded_at,
        row_number() over (
            partition by observed.beads_project_id, events.bead_id
            order by events.recorded_at, events.event_hash
        ) as answer_number
    from {{ ref('int_bead_town_events') }} as events
    inner join observed on events.town_id = observed.town_id
    inner join escalations
        on observed.beads_project_id = escalations.beads_project_id and events.bead_id = escalations.bead_id
    where events.event_type = 'escalation_acked'

),

closings as (

    select
        beads_project_id,
        bead_id,
        actor_address,
        row_number() over (partition by beads_project_id, bead_id order by change_number desc) as closings_back
    from {{ part_of(ref('fct_bead_events'), escalation_keys) }}
    where is_close

),

labels as (

    select
        labels.beads_project_id,
        labels.bead_id,
        max(case when labels.label = 'acked' then 1 else 0 end) = 1 as is_acked
    from {{ part_of(ref('stg_beads__labels'), escalation_keys) }} as labels
    inner join escalations on labels.beads_project_id = escalations.beads_project_id and labels.bead_id = escalations.bead_id
    where labels.change = 'upsert'
    group by labels.beads_project_id, labels.bead_id

)

select
    escalations.beads_project_id,
    escalations.bead_id as escalation_id,
    escalations.title,
    escalations.status,
    coalesce(escalations.escalation_severity, 'medium') as severity,
    escalations.escalation_original_severity as original_severity,
    coalesce(escalations.escalation_reescalation_count, 0) as reescalation_count,
    escalations.escalation_reason as reason,
    escalations.escalation_related_bead as related_bead_id,
    coalesce(
        {{ canonical_address('escalations.escalation_raised_by') }},
        {{ canonical_address('escalations.escalation_source') }},
        escalations.created_by_address
    ) as raised_by_address,
    coalesce(labels.is_acked, false) or logged.bead_id is not null or escalations.escalation_acked_by is not null as is_acked,
    coalesce(
        {{ canonical_address('escalations.escalation_acked_by') }},
        logged.agent_address,
        acks.actor_address
    ) as acked_by_address,
    coalesce({{ canonical_address('escalations.escalation_closed_by') }}, closings.actor_address) as closed_by_address,
    coalesce(escalations.escalation_closed_reason, escalations.close_reason) as closed_reason,
    lives.is_gone,
    coalesce(escalations.escalation_raised_at, lives.created_at) as raised_at,
    coalesce(logged.recorded_at, acks.occurred_at) as acked_at,
    lives.closed_at
from escalations
inner join lives on escalations.beads_project_id = lives.beads_project_id and escalations.bead_id = lives.bead_id
left join labels on escalations.beads_project_id = labels.beads_project_id and escalations.bead_id = labels.bead_id
left join answers as acks
    on
        escalations.beads_project_id = acks.beads_project_id
        and escalations.bead_id = acks.bead_id
        and acks.label = 'acked'
        and acks.answer_number = 1
left join logged
    on
        escalations.beads_project_id = logged.beads_project_id
        and escalations.bead_id = logged.bead_id
        and logged.answer_number = 1
left join closings
    on
        escalations.beads_project_id = closings.beads_project_id
        and escalations.bead_id = closings.bead_id
        and closings.closings_back = 1
