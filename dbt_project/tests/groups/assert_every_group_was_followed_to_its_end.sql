-- Groups are found in a fixed number of rounds; these were not enough for the rows here, so two groups may be one in truth.
select
    component,
    node
from {{ written(ref('int_group_nodes')) }} as nodes
where not is_converged and {{ touched_rows(ref('int_group_nodes'), 'nodes') }}
