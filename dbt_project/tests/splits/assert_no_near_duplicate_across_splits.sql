-- Neither the same text nor almost the same one is in train and in eval or test, among what snapshots may hold.
with placed as (

    select distinct
        signatures.text_hash,
        case when splits.split = 'train' then 'train' else 'held_out' end as side,
        splits.episode_key
    from {{ ref('int_conversation_signatures') }} as signatures
    inner join {{ ref('fct_splits') }} as splits on signatures.episode_key = splits.episode_key
    inner join {{ ref('int_selection_caps') }} as caps on signatures.episode_key = caps.episode_key
    where splits.split_excluded_reason is null and caps.is_within_caps and signatures.signature is not null

),

alike as (

    select
        text_hash,
        other_text_hash
    from {{ ref('int_near_duplicate_pairs') }}
    union all
    select
        other_text_hash as text_hash,
        text_hash as other_text_hash
    from {{ ref('int_near_duplicate_pairs') }}
    union all
    select distinct
        text_hash,
        text_hash as other_text_hash
    from placed

)

select
    trained.episode_key,
    held_out.episode_key as held_out_episode_key
from placed as trained
inner join alike on trained.text_hash = alike.text_hash
inner join placed as held_out on alike.other_text_hash = held_out.text_hash
where trained.side = 'train' and held_out.side = 'held_out'
