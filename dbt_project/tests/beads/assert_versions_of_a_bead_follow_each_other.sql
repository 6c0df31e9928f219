select
    issues.beads_project_id,
    issues.source,
    issues.table_name,
    issues.row_key
from {{ written(ref('stg_beads__issues')) }} as issues
where {{ touched_rows(ref('stg_beads__issues'), 'issues') }}
group by issues.beads_project_id, issues.source, issues.table_name, issues.row_key
having
    sum(case when issues.valid_to is null then 1 else 0 end) <> 1
    or sum(case when issues.is_current then 1 else 0 end) > 1
    or sum(case when issues.valid_to < issues.valid_from then 1 else 0 end) > 0
