-- In = kept + dropped with a reason: no record gets lost between staging and the entries, none is made up.
with entries as (

    select
        record_key,
        entry_kind,
        dropped_reason
    from {{ written(ref('int_entries')) }} as entries
    where {{ touched_rows(ref('int_entries'), 'entries') }}

),

messages as (

    select
        record_key,
        count(*) as message_count
    from {{ written(ref('int_messages')) }} as messages
    where {{ touched_rows(ref('int_messages'), 'messages') }}
    group by record_key

),

lost as (

    select
        staged.record_key,
        'not among the entries' as problem
    from {{ ref('stg_claude__entries') }} as staged
    left join entries on staged.record_key = entries.record_key
    where {{ touched_rows(ref('stg_claude__entries'), 'staged') }} and entries.record_key is null

),

unexplained as (

    select
        entries.record_key,
        'neither a message nor dropped with a reason' as problem
    from entries
    left join messages on entries.record_key = messages.record_key
    where
        entries.entry_kind = 'message'
        and entries.dropped_reason is null
        and coalesce(messages.message_count, 0) <> 1

),

contradictory as (

    select
        entries.record_key,
        'dropped, but a message all the same' as problem
    from entries
    inner join messages on entries.record_key = messages.record_key
    where entries.dropped_reason is not null

)

select * from lost
union all
select * from unexplained
union all
select * from contradictory
