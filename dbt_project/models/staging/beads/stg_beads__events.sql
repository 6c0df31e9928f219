{{ config(
    materialized='delta',
    incremental=true,
    unique_key=['beads_project_id', 'bead_id', 'event_key'],
    order_by=['created_at_as_recorded', 'beads_project_id', 'bead_id'],
    statistics=['beads_project_id', 'bead_id', 'created_at_as_recorded'],
    rows_per_file=20000,
    tags=['scope:global']
) }}

{# `updated_at` of a raw event row is its created_at. #}
{% set new_times = "select distinct updated_at as created_at_as_recorded from " ~ source('raw', 'beads_rows')
    ~ " where table_name in ('events', 'wisp_events') and change = 'upsert' and " ~ new_rows() %}
{% set names = ['event_type', 'actor', 'old_value', 'new_value', 'comment', 'created_at'] %}
{% set old_names = ['status', 'assignee', 'updated_at', 'description', 'notes', 'hook_bead'] %}
{% set new_names = ['status', 'assignee', 'close_reason', 'description', 'notes', 'agent_state', 'hook_bead'] %}

with new_events as (

    select
        *,
        {{ json_to_struct('record', text_shape(names)) }} as fields
    from {{ source('raw', 'beads_rows') }}
    -- A purged bead takes its events with it; what happened stays true, so their deletion is not followed.
    where table_name in ('events', 'wisp_events') and change = 'upsert' and {{ new_rows() }}

),

named as (

    select
        beads_project_id,
        bead_id,
        row_key as event_id,
        coalesce(fields.event_type, 'unknown') as event_type,
        fields.actor as actor,
        fields.old_value as old_value,
        fields.new_value as new_value,
        fields.comment as comment,
        fields.created_at as created_at_text
    from new_events

),

opened as (

    select
        *,
        case when left(old_value, 1) = '{' and {{ is_json('old_value') }} then old_value end as old_json,
        case when left(new_value, 1) = '{' and {{ is_json('new_value') }} then new_value end as new_json
    from named

),

parsed as (

    select
        *,
        -- `bd close` writes the bare reason where every other change writes the changed fields.
        event_type = 'closed' and old_json is null as is_plain_close,
        {{ to_timestamp_utc('created_at_text') }} as created_at_as_recorded,
        not {{ has_zone('created_at_text') }} as is_created_at_server_local,
        {{ json_to_struct('old_json', text_shape(old_names)) }} as old_fields,
        {{ json_to_struct('new_json', text_shape(new_names)) }} as new_fields
    from opened

),

changed as (

    select
        *,
        concat_ws(
            '|', beads_project_id, bead_id, event_id, event_type, actor, cast(created_at_as_recorded as varchar), new_value
        ) as content,
        nullif(old_fields.status, '') as old_status,
        nullif(old_fields.assignee, '') as old_assignee,
        {{ to_timestamp_utc('old_fields.updated_at') }} as old_updated_at,
        nullif(new_fields.status, '') as written_status,
        -- '' takes the bead out of its assignee's hands; null leaves it where it is.
        new_fields.assignee as new_assignee,
        nullif(new_fields.close_reason, '') as written_close_reason,
        new_fields.description as new_description,
        nullif(new_fields.notes, '') as new_notes,
        nullif(old_fields.notes, '') as old_notes,
        coalesce(
            {{ description_field('old_fields.description', 'hook_bead') }}, nullif(old_fields.hook_bead, '')
        ) as old_hook_bead,
        new_fields.agent_state as new_agent_state,
        new_fields.hook_bead as new_hook_bead
    from parsed

),

typed as (

    select
        -- Copies of a database number their events on their own: the id alone would confuse two events.
        {{ text_hash('content') }} as event_key,
        beads_project_id,
        bead_id,
        event_id,
        -- Older databases number their events, which is an order; newer ones draw random ids.
        {{ to_bigint('event_id') }} as event_number,
        event_type,
        nullif(actor, '') as actor,
        nullif(comment, '') as comment,
        case when is_plain_close then 'close' when event_type = 'closed' then 'update' end as closed_shape,
        case
            when event_type in ('label_added', 'label_removed')
                then nullif(regexp_replace(comment, '^(Added|Removed) label: *', ''), '')
        end as label,
        old_status,
        case
            when event_type = 'closed' then coalesce(written_status, 'closed')
            when event_type = 'created' then coalesce(written_status, 'open')
            else written_status
        end as new_status,
        old_assignee,
        new_assignee,
        case when is_plain_close then nullif(new_value, '') else written_close_reason end as close_reason,
        new_description,
        new_notes,
        -- Notes grow at their end: what is new is what follows the old ones.
        nullif(trim(case
            when old_notes is not null and left(new_notes, cast(length(old_notes) as integer)) = old_notes
                then substr(new_notes, cast(length(old_notes) as integer) + 1)
            else new_notes
        end), '') as added_notes,
        old_hook_bead,
        new_agent_state,
        new_hook_bead,
        case when event_type = 'renamed' then nullif(old_value, '') end as renamed_from,
        case when event_type = 'renamed' then nullif(new_value, '') end as renamed_to,
        old_updated_at,
        -- Left to the database's default, in the zone of its server, whatever the export says.
        created_at_as_recorded,
        is_created_at_server_local
    from changed

),

copies as (

    select
        *,
        row_number() over (partition by event_key order by old_updated_at, old_status, old_assignee) as copy_number
    from typed

)

select
    event_key,
    beads_project_id,
    bead_id,
    event_id,
    event_number,
    event_type,
    actor,
    comment,
    closed_shape,
    label,
    old_status,
    new_status,
    old_assignee,
    new_assignee,
    close_reason,
    new_description,
    new_notes,
    added_notes,
    old_hook_bead,
    new_agent_state,
    new_hook_bead,
    renamed_from,
    renamed_to,
    old_updated_at,
    created_at_as_recorded,
    is_created_at_server_local
from copies
where
    copy_number = 1
    {% if is_incremental() %}
    -- Another town's copy of the database brings the same events again; they are looked for only at their own times.
    and event_key not in (
        select known.event_key
        from {{ part_of(this, new_times) }} as known
    )
    {% endif %}
