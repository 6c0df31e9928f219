{{ config(tags=['scope:shard']) }}

-- The beads databases a town's folders name.
select
    town_id,
    root_path,
    case
        when root_path in ('.beads/metadata.json', './.beads/metadata.json') then null
        else split_part(root_path, '/', 1)
    end as rig,
    {{ json_text('record', '$.project_id') }} as beads_project_id,
    coalesce({{ json_text('record', '$.dolt_database') }}, {{ json_text('record', '$.database') }}) as database_name,
    observed_at
from {{ ref('stg_town__files') }}
where is_current and kind = 'beads_metadata'
