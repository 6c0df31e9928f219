-- Chains of parents and families of sessions are followed in a fixed number of rounds; these were not enough for the rows here.
select
    session_key,
    'its chain of parents is longer than was followed' as problem
from {{ written(ref('int_live_path')) }} as paths
where chain_state = 'unresolved' and {{ touched_rows(ref('int_live_path'), 'paths') }}
union all
select
    session_key,
    'its fork family is wider than was followed' as problem
from {{ written(ref('int_fork_families')) }} as families
where not is_converged and {{ touched_rows(ref('int_fork_families'), 'families') }}
