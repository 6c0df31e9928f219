{{ config(
    incremental=true,
    unique_key=['beads_project_id', 'bead_id', 'evidence_key', 'signal'],
    touched_key=['beads_project_id', 'bead_id'],
    touched_sql="
        select beads_project_id, bead_id from {{ touched(ref('int_bead_changes')) }}
        union
        select beads_project_id, bead_id from {{ touched(ref('fct_bead_events')) }}
        union
        select beads_project_id, bead_id from {{ touched(ref('stg_beads__comments')) }}
    ",
    order_by=['beads_project_id', 'occurred_at', 'bead_id', 'evidence_key'],
    statistics=['beads_project_id', 'bead_id', 'occurred_at'],
    tags=['scope:global']
) }}

-- A new offset of a day's clock reaches here through fct_bead_events.
{% set touched_beads %}
    select beads_project_id, bead_id from {{ touched(ref('int_bead_changes')) }}
    union
    select beads_project_id, bead_id from {{ touched(ref('fct_bead_events')) }}
    union
    select beads_project_id, bead_id from {{ touched(ref('stg_beads__comments')) }}
{% endset %}

with
{% if is_incremental() %}
touched_beads as (

    {{ touched_beads }}

),

{% endif %}
noted as (

    select
        events.beads_project_id,
        events.bead_id,
        events.event_key,
        events.actor,
        events.new_notes as note
    from {{ part_of(ref('stg_beads__events'), touched_beads) }} as events
    {% if is_incremental() %}
    inner join touched_beads
        on events.beads_project_id = touched_beads.beads_project_id and events.bead_id = touched_beads.bead_id
    {% endif %}
    where events.new_notes is not null

),

notes as (

    select
        noted.beads_project_id,
        noted.bead_id,
        'bead_note' as text_kind,
        noted.event_key as evidence_key,
        'bead_event' as source,
        noted.actor,
        noted.note as text,
        case
            when not changes.is_changed_at_server_local then changes.changed_at_as_recorded
            else {{ seconds_added(
                'changes.changed_at_as_recorded',
                '-(' ~ clock_offset('changes.changed_at_as_recorded', 'offsets', 'changes.pair_offset_seconds') ~ ')'
            ) }}
        end as occurred_at
    from noted
    inner join {{ part_of(ref('int_bead_changes'), touched_beads) }} as changes
        on
            noted.beads_project_id = changes.beads_project_id
            and noted.bead_id = changes.bead_id
            and noted.event_key = changes.event_key
    left join {{ ref('int_clock_offsets') }} as offsets
        on changes.beads_project_id = offsets.beads_project_id and changes.recorded_on = offsets.recorded_on

),

comments as (

    select
        comments.beads_project_id,
        comments.bead_id,
        'bead_comment' as text_kind,
        comments.comment_id as evidence_key,
        'bead_comment' as source,
        comments.author as actor,
        comments.text,
        comments.created_at as occurred_at
    from {{ part_of(ref('stg_beads__comments'), touched_beads) }} as comments
    {% if is_incremental() %}
    inner join touched_beads
        on comments.beads_project_id = touched_beads.beads_project_id and comments.bead_id = touched_beads.bead_id
    {% endif %}

),

texts as (

    select beads_project_id, bead_id, text_kind, evidence_key, source, actor, text, occurred_at
    from notes
    union all
    select beads_project_id, bead_id, text_kind, evidence_key, source, actor, text, occurred_at
    from comments

),

judged as (

    select
        texts.*,
        rules.signal,
        row_number() over (
            partition by texts.beads_project_id, texts.bead_id, texts.source, texts.evidence_key
            order by rules.rule_number
        ) as choice
    from texts
    inner join {{ ref('outcome_text_rules') }} as rules
        on texts.text_kind = rules.text_kind and lower(texts.text) like rules.pattern

)

select
    beads_project_id,
    bead_id,
    evidence_key,
    source,
    signal,
    actor,
    {{ canonical_address('actor') }} as actor_address,
    {{ regex_group('text', '(?:Original MR|Branch|branch): *([A-Za-z0-9_./@-]+)') }} as branch,
    left(text, 400) as says,
    occurred_at
from judged
where choice = 1
