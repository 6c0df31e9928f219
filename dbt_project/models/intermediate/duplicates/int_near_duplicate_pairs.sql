{{ config(
    incremental=true,
    unique_key=['text_hash', 'other_text_hash'],
    touched_key=['text_hash', 'other_text_hash'],
    touched_sql="select text_hash, other_text_hash from {{ touched(ref('int_near_duplicate_candidates')) }}",
    order_by=['text_hash', 'other_text_hash'],
    statistics=['text_hash', 'other_text_hash'],
    tags=['scope:global'],
) }}

{% set candidates = ref('int_near_duplicate_candidates') %}
{% set signatures = ref('int_conversation_signatures') %}
{% set texts_sql = 'select text_hash from ' ~ touched(candidates)
    ~ ' union select other_text_hash as text_hash from ' ~ touched(candidates) if is_incremental() else '' %}
{% set sessions_sql = asked_once(
    'compared_sessions',
    'select min(session_key) as session_key from ' ~ part_of(signatures, texts_sql)
    ~ ' where text_hash in (' ~ texts_sql ~ ') group by text_hash'
) if is_incremental() else '' %}

with pairs as (

    select
        candidates.text_hash,
        candidates.other_text_hash
    from {{ candidates }} as candidates
    {% if is_incremental() %}
    inner join {{ touched(candidates) }} as touched
        on candidates.text_hash = touched.text_hash and candidates.other_text_hash = touched.other_text_hash
    {% endif %}

),

wanted as (

    select text_hash from pairs
    union
    select other_text_hash as text_hash from pairs

),

-- One conversation speaks for all that have its text.
speakers as (

    select
        signatures.text_hash,
        signatures.conversation_key,
        row_number() over (partition by signatures.text_hash order by signatures.session_key, signatures.conversation_key) as place
    from {{ part_of(signatures, sessions_sql) }} as signatures
    inner join wanted on signatures.text_hash = wanted.text_hash
    where {{ session_rows(sessions_sql, 'signatures') }}

),

{{ conversation_texts(sessions_sql, 'conversation_key in (select conversation_key from speakers where place = 1)') }},

spoken as (

    select
        speakers.text_hash,
        texts.text
    from speakers
    inner join texts on speakers.conversation_key = texts.conversation_key
    where speakers.place = 1

),

shingles as (

    select
        text_hash,
        shingle_hashes(text) as shingle_numbers
    from spoken

),

counted as (

    select
        pairs.text_hash,
        pairs.other_text_hash,
        {{ element_count('one.shingle_numbers') }} + {{ element_count('other.shingle_numbers') }} as both_count,
        {{ shared_element_count('one.shingle_numbers', 'other.shingle_numbers') }} as shared_count
    from pairs
    inner join shingles as one on pairs.text_hash = one.text_hash
    inner join shingles as other on pairs.other_text_hash = other.text_hash

),

compared as (

    select
        text_hash,
        other_text_hash,
        round(cast(shared_count as double) / (both_count - shared_count), 6) as similarity
    from counted

)

select
    text_hash,
    other_text_hash,
    similarity
from compared
where similarity >= {{ duplicate_rule('near_jaccard') }}
