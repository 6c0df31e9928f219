-- Turns are made of messages: none is left out, none is in two turns.
with messages as (

    select
        session_key,
        count(*) as message_count
    from {{ written(ref('int_messages')) }} as messages
    where {{ touched_rows(ref('int_messages'), 'messages') }}
    group by session_key

),

turns as (

    select
        session_key,
        cast(sum(message_count) as bigint) as message_count
    from {{ written(ref('fct_turns')) }} as turns
    where {{ touched_rows(ref('fct_turns'), 'turns') }}
    group by session_key

)

select
    messages.session_key,
    messages.message_count,
    turns.message_count as turn_message_count
from messages
left join turns on messages.session_key = turns.session_key
where messages.message_count <> coalesce(turns.message_count, 0)
