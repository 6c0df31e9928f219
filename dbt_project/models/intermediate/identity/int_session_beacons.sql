{{ config(
    incremental=true,
    unique_key=['session_key'],
    touched_key=['session_key'],
    touched_sql="select session_key from {{ touched(ref('int_messages')) }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key'],
    statistics=['session_key', 'session_started_at'],
    rows_per_file=500,
    tags=['scope:shard']
) }}

-- [GAS TOWN] <recipient> <- <sender> • <local minute> • <topic>[:<molecule>]
{% set beacon = '^[[]GAS TOWN[]] (.*) <- (.*) • ([0-9T:-]*) • ([a-zA-Z_-]*)(:([0-9A-Za-z_.@-]*))?' %}

with prompts as (

    select
        session_key,
        session_started_at,
        message_number,
        record_key,
        text_head,
        is_fork_copy,
        recorded_at,
        {{ regex_matches('text_head', beacon) }} as is_beacon
    from {{ part_of(ref('int_messages'), touched(ref('int_messages'))) }}
    where
        role = 'user'
        and agent_key = 'main'
        and origin in ('human', 'injected')
        and coalesce(injection_kind, '') not in ('hook', 'attachment', 'caveat', 'meta', 'reminder')
        {% if is_incremental() %}
        and session_key in (select session_key from {{ touched(ref('int_messages')) }})
        {% endif %}

),

numbered as (

    select
        *,
        -- What a fork copied was said to the original.
        row_number() over (partition by session_key, is_beacon order by is_fork_copy, message_number) as beacon_number,
        row_number() over (partition by session_key order by message_number) as prompt_number
    from prompts

)

select
    session_key,
    session_started_at,
    record_key,
    {{ regex_group('text_head', beacon, 1) }} as recipient,
    {{ beacon_address(regex_group('text_head', beacon, 1)) }} as address,
    {{ regex_group('text_head', beacon, 2) }} as sender,
    {{ canonical_address(regex_group('text_head', beacon, 2)) }} as sender_address,
    -- Without a zone, in the town's local time.
    nullif({{ regex_group('text_head', beacon, 3) }}, '') as said_at_local_text,
    nullif({{ regex_group('text_head', beacon, 4) }}, '') as topic,
    nullif({{ regex_group('text_head', beacon, 6) }}, '') as molecule_id,
    prompt_number = 1 as is_first_prompt,
    is_fork_copy,
    recorded_at
from numbered
where is_beacon and beacon_number = 1
