select
    group_key,
    count(distinct split) as split_count
from {{ ref('fct_splits') }}
group by group_key
having count(distinct split) > 1
