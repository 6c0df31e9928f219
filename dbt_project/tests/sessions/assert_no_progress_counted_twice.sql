-- A sub-agent's message embedded in a progress record counts only where no file holds the message itself.
with kept as (

    select
        session_key,
        entry_key,
        source
    from {{ written(ref('int_entries')) }} as entries
    where dropped_reason is null and {{ touched_rows(ref('int_entries'), 'entries') }}

)

select
    session_key,
    entry_key
from kept
group by session_key, entry_key
having count(*) > 1
