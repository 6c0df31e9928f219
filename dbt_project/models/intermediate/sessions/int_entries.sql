{{ config(
    incremental=true,
    unique_key=['record_key'],
    touched_key=['session_key'],
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'entry_number'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'recorded_at'],
    rows_per_file=8000,
    tags=['scope:shard'],
) }}

with entries as (

    select
        session_key,
        has_session_id,
        record_key,
        source,
        file_id,
        file_kind,
        generation,
        byte_offset,
        record_hash,
        entry_id,
        shared_id,
        parent_id,
        agent_id,
        is_sidechain,
        is_compaction,
        entry_kind,
        entry_type,
        recorded_at
    from {{ claude_entries_of(changed_sessions_sql()) }}
    where {{ of_changed_sessions() }}

),

-- An entry without an id is known by its content: the nth such line of the file, whatever generation of the file it is read from.
without_id as (

    select
        record_key,
        concat(
            'line:', file_id, ':', record_hash, ':', cast(
                row_number() over (
                    partition by session_key, file_id, generation, record_hash order by byte_offset
                ) as varchar
            )
        ) as entry_key
    from entries
    where entry_id is null and source = 'file'

),

-- The time a line was written is not before the lines above it in its file; lines without a time lie where their file has them.
placed as (

    select
        entries.session_key,
        entries.has_session_id,
        entries.record_key,
        entries.source,
        entries.file_id,
        entries.file_kind,
        entries.generation,
        entries.byte_offset,
        entries.shared_id,
        entries.parent_id,
        entries.agent_id,
        entries.is_sidechain,
        entries.is_compaction,
        entries.entry_kind,
        entries.entry_type,
        entries.recorded_at,
        entries.entry_id is not null as has_own_id,
        case
            when entries.entry_id is not null then entries.entry_id
            when entries.source = 'file' then without_id.entry_key
            else concat('embedded:', entries.record_key)
        end as entry_key,
        min(entries.recorded_at) over (partition by entries.session_key) as session_started_at,
        max(entries.recorded_at) over (
            partition by entries.session_key, entries.file_id, entries.generation
            order by entries.byte_offset, entries.source desc
            rows between unbounded preceding and current row
        ) as written_at
    from entries
    left join without_id on entries.record_key = without_id.record_key

),

ranked as (

    select
        *,
        -- Of several records of one entry the file's own comes before an embedded copy, the newest generation before older ones.
        row_number() over (
            partition by session_key, entry_key
            order by case when source = 'file' then 0 else 1 end, generation desc, file_kind, file_id, byte_offset
        ) as record_rank,
        first_value(concat(file_id, ':', cast(generation as varchar))) over (
            partition by session_key, entry_key
            order by case when source = 'file' then 0 else 1 end, generation desc, file_kind, file_id, byte_offset
        ) as kept_from
    from placed

)

select
    session_key,
    coalesce(cast(session_started_at as date), cast('1970-01-01' as date)) as session_started_on,
    coalesce(session_started_at, cast('1970-01-01 00:00:00+00' as timestamp with time zone)) as session_started_at,
    record_key,
    entry_key,
    has_own_id,
    shared_id is not null as is_shareable,
    source,
    file_id,
    file_kind,
    generation,
    byte_offset,
    parent_id,
    agent_id,
    is_sidechain,
    is_compaction,
    entry_kind,
    entry_type,
    recorded_at,
    cast(
        row_number() over (
            partition by session_key
            order by written_at nulls first, file_kind, file_id, generation, byte_offset, source desc
        ) as bigint
    ) as entry_number,
    case
        -- Neither the record nor its file's name says which session it belongs to, and it is no part of a conversation.
        when not has_session_id and entry_kind <> 'message' then 'no_session'
        when record_rank = 1 then null
        when source = 'embedded' then 'embedded_copy'
        when kept_from = concat(file_id, ':', cast(generation as varchar)) then 'repeated'
        when kept_from like concat(file_id, ':%') then 'superseded_generation'
        else 'repeated'
    end as dropped_reason
from ranked
