{{ config(
    incremental=true,
    unique_key=['conversation_key'],
    touched_key=['session_key'],
    touched_sql="select session_key from {{ touched(ref('int_conversations')) }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'conversation_key'],
    statistics=['session_key', 'conversation_key', 'session_started_on', 'session_started_at'],
    rows_per_file=4000,
    tags=['scope:shard'],
) }}

{% set touched_sessions = 'select session_key from ' ~ touched(ref('int_conversations')) if is_incremental() else '' %}

with {{ conversation_texts(touched_sessions) }},

turns as (

    select
        conversation_key,
        place,
        case
            when role = 'assistant' and length(text) >= {{ duplicate_rule('turn_min_characters') }} then {{ text_number('text') }}
        end as turn_hash
    from answers

),

turn_lists as (

    select
        conversation_key,
        {{ array_of('turn_hash', 'place') }} as turn_hashes
    from turns
    group by conversation_key

),

hashed as (

    select
        conversations.conversation_key,
        conversations.episode_key,
        conversations.session_key,
        conversations.session_started_on,
        conversations.session_started_at,
        texts.text,
        turn_lists.turn_hashes,
        {{ text_number('texts.text') }} as text_hash,
        {{ text_number('texts.written_text') }} as written_hash
    from conversations
    inner join texts on conversations.conversation_key = texts.conversation_key
    inner join turn_lists on conversations.conversation_key = turn_lists.conversation_key

),

-- Once per content: a text that was there before keeps its signature.
known as (

    {% if is_incremental() -%}
    select distinct text_hash
    from {{ part_of(this, touched_sessions) }}
    where session_key in ({{ touched_sessions }})
    {%- else -%}
    select text_hash from hashed where false
    {%- endif %}

),

contents as (

    select
        hashed.text_hash,
        min(hashed.text) as text
    from hashed
    left join known on hashed.text_hash = known.text_hash
    where known.text_hash is null
    group by hashed.text_hash

),

signed as (

    select
        text_hash,
        minhash_signature(text) as signature
    from contents
    {%- if is_incremental() %}
    union all
    select
        old.text_hash,
        min(old.signature) as signature
    from {{ part_of(this, touched_sessions) }} as old
    inner join known on old.text_hash = known.text_hash
    where old.session_key in ({{ touched_sessions }})
    group by old.text_hash
    {%- endif %}

)

select
    hashed.conversation_key,
    hashed.episode_key,
    hashed.session_key,
    hashed.session_started_on,
    hashed.session_started_at,
    hashed.text_hash,
    hashed.written_hash,
    hashed.turn_hashes,
    signed.signature
from hashed
inner join signed on hashed.text_hash = signed.text_hash
