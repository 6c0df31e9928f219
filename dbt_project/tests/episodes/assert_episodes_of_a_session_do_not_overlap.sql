-- Episodes follow each other: in number, in messages, and each begins where its key says.
with episodes as (

    select
        session_key,
        episode_number,
        first_message_number,
        last_message_number,
        lag(last_message_number) over (partition by session_key order by first_message_number) as last_number_before,
        row_number() over (partition by session_key order by first_message_number) as number_by_message
    from {{ written(ref('fct_episodes')) }} as episodes
    where {{ touched_rows(ref('fct_episodes'), 'episodes') }}

)

select *
from episodes
where
    first_message_number > last_message_number
    or first_message_number <= last_number_before
    or episode_number <> number_by_message
