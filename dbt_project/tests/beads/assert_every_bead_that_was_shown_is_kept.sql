select
    issues.beads_project_id,
    issues.bead_id
from {{ written(ref('stg_beads__issues')) }} as issues
left join {{ ref('int_beads') }} as beads
    on issues.beads_project_id = beads.beads_project_id and issues.bead_id = beads.bead_id
where
    {{ touched_rows(ref('stg_beads__issues'), 'issues') }}
    and issues.change = 'upsert'
    and beads.bead_id is null
