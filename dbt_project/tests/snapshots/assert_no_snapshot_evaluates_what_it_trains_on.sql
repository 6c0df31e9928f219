-- Nothing that a snapshot trains on is of a group, or an episode, that it evaluates on.
with shown as (

    select group_key, split from {{ ref('snapshot_rows') }} where excluded_reason is null
    union all
    select group_key, split from {{ ref('snapshot_pairs') }} where excluded_reason is null

)

select group_key
from shown
group by group_key
having count(distinct split) > 1
