{{ config(tags=['scope:shard']) }}

-- A town's identity files change rarely and are small: all their versions are looked at each time.
with versions as (

    select
        town_id,
        kind,
        root_path,
        observed_at,
        record,
        record_hash,
        load_seq,
        row_number() over (
            partition by town_id, kind, root_path
            order by observed_at desc, load_seq desc, record_hash desc
        ) as versions_back
    from {{ source('raw', 'town_files') }}

)

select
    town_id,
    kind,
    root_path,
    observed_at,
    record_hash,
    record,
    load_seq,
    versions_back = 1 as is_current
from versions
