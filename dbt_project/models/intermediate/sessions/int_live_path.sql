{{ config(
    incremental=true,
    unique_key=['session_key', 'entry_key'],
    touched_key=['session_key'],
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'entry_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at'],
    rows_per_file=8000,
    tags=['scope:shard'],
) }}
{% set rounds = 15 %}

with nodes as (

    select
        session_key,
        session_started_on,
        session_started_at,
        record_key,
        entry_key,
        entry_number,
        entry_kind,
        file_id,
        generation,
        byte_offset,
        is_compaction,
        nullif(parent_id, entry_key) as parent_id,
        case when agent_id is not null then agent_id when is_sidechain then '?' else 'main' end as stream
    from {{ changed_part(ref('int_entries')) }}
    where has_own_id and dropped_reason is null and source = 'file' and {{ of_changed_sessions() }}

),

ordered as (

    select
        *,
        lag(entry_key) over (partition by session_key, stream, file_id, generation order by byte_offset) as previous_key,
        lag(entry_number) over (partition by session_key, stream, file_id, generation order by byte_offset) as previous_number
    from nodes

),

-- A run is a stretch of a file in which every entry answers the one before it. Sessions are long, runs are few.
marked as (

    select
        *,
        case when parent_id = previous_key then null else entry_number end as run_start
    from ordered

),

numbered as (

    select
        *,
        max(run_start) over (
            partition by session_key, stream, file_id, generation order by byte_offset
            rows between unbounded preceding and current row
        ) as run
    from marked

),

-- A parent in another stream is where a sub-agent was started, not part of its conversation. When a parent is not there (it was
-- never written, or a compaction names none), the conversation goes on from the entry before.
links as (

    select
        heads.session_key,
        heads.run,
        coalesce(parents.entry_number, heads.previous_number) as parent_number
    from numbered as heads
    left join numbered as parents
        on heads.session_key = parents.session_key and heads.stream = parents.stream and heads.parent_id = parents.entry_key
    where heads.run_start is not null and (heads.parent_id is not null or heads.is_compaction)

),

runs as (

    select
        heads.session_key,
        heads.run,
        coalesce(parents.run, heads.run) as parent_run,
        links.parent_number
    from numbered as heads
    left join links on heads.session_key = links.session_key and heads.run = links.run
    left join numbered as parents on links.session_key = parents.session_key and links.parent_number = parents.entry_number
    where heads.run_start is not null

),

{{ ancestors(rounds) }},

roots as (

    select
        jumps.session_key,
        jumps.run,
        jumps.up as root_run,
        roots.parent_run = roots.run and roots.parent_number is null as is_rooted
    from jumps_{{ rounds }} as jumps
    inner join runs as roots on jumps.session_key = roots.session_key and jumps.up = roots.run

),

-- The conversation an entry belongs to: the session's own, a sub-agent's by its id, or a sub-agent's by its first entry.
streams as (

    select
        numbered.session_key,
        numbered.session_started_on,
        numbered.session_started_at,
        numbered.record_key,
        numbered.entry_key,
        numbered.entry_number,
        numbered.entry_kind,
        numbered.run,
        roots.is_rooted,
        root_entries.entry_key as root_entry_key,
        case
            when numbered.stream <> '?' then numbered.stream
            when roots.is_rooted then concat('inline:', root_entries.entry_key)
            else 'inline:circle'
        end as agent_key
    from numbered
    inner join roots on numbered.session_key = roots.session_key and numbered.run = roots.run
    inner join numbered as root_entries
        on roots.session_key = root_entries.session_key and roots.root_run = root_entries.entry_number

),

last_numbers as (

    select
        session_key,
        agent_key,
        max(entry_number) as last_number
    from streams
    where entry_kind = 'message'
    group by session_key, agent_key

),

leaves as (

    select
        streams.session_key,
        streams.run,
        streams.entry_number
    from streams
    inner join last_numbers
        on streams.session_key = last_numbers.session_key and streams.entry_number = last_numbers.last_number

),

reached_0 as (

    select distinct session_key, run from leaves

),
{{ reached(rounds) }},

-- A run is left where the next run on the way, or the end, begins.
cuts as (

    select
        session_key,
        run,
        max(cut_number) as cut_number
    from (
        select
            session_key,
            run,
            entry_number as cut_number
        from leaves
        union all
        select
            runs.session_key,
            runs.parent_run as run,
            runs.parent_number as cut_number
        from runs
        inner join reached on runs.session_key = reached.session_key and runs.run = reached.run
        where runs.parent_number is not null
    ) as ends
    group by session_key, run

),

run_counts as (

    select
        session_key,
        count(*) as run_count
    from runs
    group by session_key

)

select
    streams.session_key,
    streams.session_started_on,
    streams.session_started_at,
    streams.record_key,
    streams.entry_key,
    streams.agent_key,
    streams.root_entry_key,
    coalesce(streams.entry_number <= cuts.cut_number, false) as is_on_path,
    case
        when streams.is_rooted then 'rooted'
        -- More steps than there are runs without meeting a root: the parents lead round in a circle.
        when run_counts.run_count <= power(2, {{ rounds }}) then 'circle'
        else 'unresolved'
    end as chain_state
from streams
inner join run_counts on streams.session_key = run_counts.session_key
left join cuts on streams.session_key = cuts.session_key and streams.run = cuts.run
where streams.entry_kind = 'message'
