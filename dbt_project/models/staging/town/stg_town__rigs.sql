{{ config(tags=['scope:shard']) }}

-- Every rig that some version of `mayor/rigs.json` lists, as its newest version describes it.
with files as (

    select
        town_id,
        observed_at,
        load_seq,
        is_current,
        {{ json_entries('record', '$.rigs') }} as entries
    from {{ ref('stg_town__files') }}
    where kind = 'rigs'

),

listed as (

    {{ unnest_indexed('files', 'entries', ['town_id', 'observed_at', 'load_seq', 'is_current']) }}

),

described as (

    select
        town_id,
        element.key as rig,
        observed_at,
        load_seq,
        is_current,
        {{ json_texts('element.value', ['$.git_url', '$.push_url', '$.upstream_url', '$.added_at', '$.beads.prefix']) }} as texts,
        row_number() over (partition by town_id, element.key order by observed_at desc, load_seq desc) as versions_back,
        min(observed_at) over (partition by town_id, element.key) as first_observed_at
    from listed

)

select
    town_id,
    rig,
    nullif({{ nth_text('texts', 1) }}, '') as git_url,
    nullif({{ nth_text('texts', 2) }}, '') as push_url,
    nullif({{ nth_text('texts', 3) }}, '') as upstream_url,
    -- Written with and without its hyphen.
    regexp_replace({{ nth_text('texts', 5) }}, '-+$', '') as prefix,
    {{ to_timestamp_utc(nth_text('texts', 4)) }} as added_at,
    is_current as is_listed,
    first_observed_at
from described
where versions_back = 1
