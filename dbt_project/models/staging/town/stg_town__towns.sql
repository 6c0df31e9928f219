{{ config(tags=['scope:shard']) }}

-- What a town's own file and towns.yaml say about it now. A town without `mayor/town.json` is only declared.
with current_files as (

    select
        town_id,
        kind,
        observed_at,
        record
    from {{ ref('stg_town__files') }}
    where is_current and kind in ('declared', 'town')

),

observed as (

    select
        town_id,
        min(observed_at) as first_observed_at
    from {{ ref('stg_town__files') }}
    group by town_id

),

declared as (

    select
        town_id,
        {{ json_text('record', '$.name') }} as declared_name,
        {{ json_text('record', '$.hq_project_id') }} as declared_hq_project_id,
        observed_at as declared_at
    from current_files
    where kind = 'declared'

),

identified as (

    select
        town_id,
        {{ json_text('record', '$.name') }} as town_name,
        {{ json_text('record', '$.public_name') }} as public_name,
        {{ json_text('record', '$.owner') }} as owner,
        {{ to_timestamp_utc(json_text('record', '$.created_at')) }} as created_at
    from current_files
    where kind = 'town'

)

select
    observed.town_id,
    declared.declared_name,
    identified.town_name,
    identified.public_name,
    identified.owner,
    identified.created_at,
    identified.town_id is not null as has_town_file,
    declared.town_id is not null as is_declared,
    declared.declared_hq_project_id,
    observed.first_observed_at
from observed
left join declared on observed.town_id = declared.town_id
left join identified on observed.town_id = identified.town_id
