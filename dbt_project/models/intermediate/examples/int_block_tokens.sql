{{ config(
    incremental=true,
    unique_key=['record_key', 'block_index'],
    order_by=['session_key[:6]', 'placed_at', 'session_key'],
    statistics=['session_key', 'load_seq', 'placed_on', 'placed_at'],
    rows_per_file=20000,
    tags=['scope:shard'],
) }}

-- A record never changes once it is in the lake: what is counted once is never counted again.
select
    record_key,
    block_index,
    session_key,
    load_seq,
    placed_on,
    placed_at,
    block_type,
    injection_kind,
    -- What `gt prime` prints begins with who the agent is.
    coalesce({{ regex_matches('text_head', 'GAS TOWN[]]? role:') }}, false) as is_role_prompt,
    coalesce(text, '') <> '' as has_text,
    has_image,
    cast(
        coalesce(token_count(text), 0)
        + coalesce(argument_token_count(tool_input), 0)
        + coalesce(token_count(tool_name), 0) as bigint
    ) as token_count
from {{ ref('stg_claude__content_blocks') }}
where {{ new_rows() }}
