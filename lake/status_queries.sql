-- What `forge status` says of the newest release and of the snapshots. `name`: as `lake.status_learning` knows it; `needs`: relations
-- that must be part of the release.

-- name: kept_out
-- needs: main.fct_group_sizes
select
    role_family as role,
    reason,
    largest_share
from fct_group_sizes
where is_kept_out
order by role;

-- name: drifting
-- needs: main.fct_town_drift main.dim_towns
select
    coalesce(towns.name, drift.town_id) as town,
    drift.role_family as role,
    drift.measure,
    drift.divergence,
    drift.max_divergence as threshold,
    drift.is_kept_out
from fct_town_drift as drift
left join dim_towns as towns on drift.town_id = towns.town_id
where drift.is_drifting
order by town, role, measure;

-- name: snapshots
-- needs: ops.snapshots
with lives as (
    select
        snapshot_sequence,
        max(case when event = 'created' then happened_at end) as created_at,
        max(case when event = 'dropped' then happened_at end) as dropped_at
    from ops.snapshots
    group by snapshot_sequence
)
select
    count(case when dropped_at is null or dropped_at < created_at then 1 end) as held,
    count(case when dropped_at > created_at then 1 end) as dropped,
    max(created_at) as newest_at
from lives;

-- name: withdrawn
-- needs: main.fct_withdrawn_snapshots
select distinct
    snapshot_id as id
from fct_withdrawn_snapshots
order by id;
