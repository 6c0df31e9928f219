-- No answer of eval or test that is long enough occurs word by word in train, among what snapshots may hold.
with signatures as (

    select
        signatures.turn_hashes,
        splits.episode_key,
        case when splits.split = 'train' then 'train' else 'held_out' end as side
    from {{ ref('int_conversation_signatures') }} as signatures
    inner join {{ ref('fct_splits') }} as splits on signatures.episode_key = splits.episode_key
    inner join {{ ref('int_selection_caps') }} as caps on signatures.episode_key = caps.episode_key
    where splits.split_excluded_reason is null and caps.is_within_caps and signatures.turn_hashes is not null

),

turns as (

    {{ unnest_indexed('signatures', 'turn_hashes', ['episode_key', 'side']) }}

)

select element as turn_hash
from turns
group by element
having count(distinct side) > 1
