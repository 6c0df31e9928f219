{{ config(
    unique_key=['episode_key'],
    touched_key=['session_key'],
    order_by=['session_key[:6]', 'session_key', 'episode_key'],
    statistics=['session_key', 'episode_key'],
    tags=['scope:global'],
) }}

-- An answer may occur anywhere: hashes are put together anew in every build, texts are not read here.
with signatures as (

    select
        episode_key,
        session_key,
        turn_hashes
    from {{ ref('int_conversation_signatures') }}
    where turn_hashes is not null

),

turns as (

    {{ unnest_indexed('signatures', 'turn_hashes', ['episode_key', 'session_key']) }}

),

placed as (

    select distinct
        turns.episode_key,
        turns.session_key,
        turns.element as turn_hash,
        ledger.split,
        coalesce(caps.is_within_caps, false) as is_admitted
    from turns
    inner join {{ ref('int_split_ledger') }} as ledger on turns.episode_key = ledger.episode_key
    left join {{ ref('int_selection_caps') }} as caps on turns.episode_key = caps.episode_key

),

held_out as (

    select
        turn_hash,
        min(episode_key) as eval_episode_key
    from placed
    where split in ('eval', 'test') and is_admitted
    group by turn_hash

)

-- An episode that is not admitted may still be the worse one of a preference pair.
select
    placed.episode_key,
    placed.session_key,
    cast(count(*) as bigint) as turn_count,
    min(held_out.eval_episode_key) as eval_episode_key
from placed
inner join held_out on placed.turn_hash = held_out.turn_hash
where placed.split = 'train'
group by placed.episode_key, placed.session_key
