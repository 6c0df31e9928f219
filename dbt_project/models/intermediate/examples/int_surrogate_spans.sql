{{ config(
    incremental=true,
    unique_key=['record_key', 'json_path', 'first_character'],
    order_by=['session_key[:6]', 'placed_at', 'session_key'],
    statistics=['session_key', 'load_seq', 'placed_at'],
    tags=['scope:shard'],
) }}

{#- Surrogates come with their record, so both are new in the same build. -#}

with replaced as (

    select
        record_key as raw_key,
        json_path,
        start as first_character,
        "end" as after_character,
        rule,
        load_seq,
        json_path like '$.data.%' as is_embedded
    from {{ source('raw', 'redactions') }}
    where
        source = 'claude'
        and (json_path like '$.message.content%' or json_path like '$.data.message.message.content%')
        and {{ new_rows() }}

),

records as (

    select
        record_key,
        session_key,
        placed_at,
        record_type
    from {{ written(ref('stg_claude__records')) }}
    where record_type in ('assistant', 'progress') and {{ new_rows() }}

)

select
    case when replaced.is_embedded then concat(replaced.raw_key, ':embedded') else replaced.raw_key end as record_key,
    -- Text that is no list of blocks is one block.
    coalesce({{ to_bigint(regex_group('replaced.json_path', '[.]content[[]([0-9]+)[]]', 1)) }}, 0) as block_index,
    records.session_key,
    records.placed_at,
    replaced.load_seq,
    {{ regex_matches('replaced.json_path', '[.]content[[][0-9]+[]][.]input') }} as is_in_arguments,
    replaced.json_path like '%~key' as is_in_name,
    replaced.json_path,
    cast(replaced.first_character as bigint) as first_character,
    cast(replaced.after_character as bigint) as after_character,
    replaced.rule
from replaced
inner join records on replaced.raw_key = records.record_key
