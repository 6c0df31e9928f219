{{ config(
    unique_key=['text_hash', 'other_text_hash'],
    order_by=['text_hash', 'other_text_hash'],
    statistics=['text_hash', 'other_text_hash'],
    tags=['scope:global'],
) }}

-- Signatures are as good as random: to find where new ones fall, all are read. So all are put together anew; ids alone are moved.
with texts as (

    select
        text_hash,
        min(signature) as signature,
        min(session_started_at) as first_started_at
    from {{ ref('int_conversation_signatures') }}
    where signature is not null
    group by text_hash

),

bands as (

    {{ unnest_indexed('texts', 'signature', ['text_hash', 'first_started_at']) }}

),

buckets as (

    select
        element as band,
        cast(count(*) as bigint) as text_count
    from bands
    group by element
    having count(*) > 1

),

members as (

    select
        bands.element as band,
        bands.text_hash,
        buckets.text_count,
        row_number() over (partition by bands.element order by bands.first_started_at, bands.text_hash) as place
    from bands
    inner join buckets on bands.element = buckets.band

),

pairs as (

    select distinct
        least(members.text_hash, others.text_hash) as text_hash,
        greatest(members.text_hash, others.text_hash) as other_text_hash
    from members
    inner join members as others on members.band = others.band and members.place > others.place
    where members.text_count <= {{ duplicate_rule('bucket_all_pairs') }} or others.place <= {{ duplicate_rule('bucket_anchors') }}

)

select
    text_hash,
    other_text_hash
from pairs
