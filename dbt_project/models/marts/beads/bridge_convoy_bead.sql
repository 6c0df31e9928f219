{{ config(
    unique_key=['beads_project_id', 'convoy_id', 'tracked_as'],
    order_by=['beads_project_id', 'convoy_id', 'tracked_as'],
    statistics=['beads_project_id', 'convoy_id'],
    tags=['scope:global']
) }}

{% set convoy_keys %}
    select beads_project_id, bead_id
    from {{ ref('int_beads') }}
    where kind = 'convoy'
{% endset %}

with convoys as (

    {{ convoy_keys }}

),

edges as (

    select
        edges.beads_project_id,
        edges.bead_id as convoy_id,
        edges.depends_on_id as tracked_as,
        edges.depends_on_bead_id as tracked_bead_id,
        max(case when edges.is_external then 1 else 0 end) = 1 as is_external,
        max(case when edges.is_current then 1 else 0 end) = 1 as is_current
    from {{ part_of(ref('stg_beads__dependencies'), convoy_keys) }} as edges
    inner join convoys on edges.beads_project_id = convoys.beads_project_id and edges.bead_id = convoys.bead_id
    where edges.dependency_type = 'tracks' and edges.change = 'upsert'
    group by edges.beads_project_id, edges.bead_id, edges.depends_on_id, edges.depends_on_bead_id

),

observed as (

    select distinct
        own.beads_project_id,
        others.beads_project_id as seen_beads_project_id
    from {{ ref('bridge_town_database') }} as own
    inner join {{ ref('bridge_town_database') }} as others on own.town_id = others.town_id

),

-- A convoy names a bead of another database by its id alone: it is the one that a town knows which sees both.
candidates as (

    select
        edges.beads_project_id,
        edges.convoy_id,
        edges.tracked_as,
        min(beads.beads_project_id) as tracked_beads_project_id,
        cast(count(distinct beads.beads_project_id) as bigint) as candidate_count
    from edges
    inner join observed on edges.beads_project_id = observed.beads_project_id
    inner join {{ ref('int_beads') }} as beads
        on edges.tracked_bead_id = beads.bead_id and observed.seen_beads_project_id = beads.beads_project_id
    where edges.is_external or beads.beads_project_id = edges.beads_project_id
    group by edges.beads_project_id, edges.convoy_id, edges.tracked_as

)

select
    edges.beads_project_id,
    edges.convoy_id,
    edges.tracked_as,
    edges.tracked_bead_id,
    case when candidates.candidate_count = 1 then candidates.tracked_beads_project_id end as tracked_beads_project_id,
    case
        when candidates.candidate_count is null then 'unknown_bead'
        when candidates.candidate_count > 1 then 'ambiguous_bead'
    end as unknown_reason,
    edges.is_external,
    edges.is_current
from edges
left join candidates
    on
        edges.beads_project_id = candidates.beads_project_id
        and edges.convoy_id = candidates.convoy_id
        and edges.tracked_as = candidates.tracked_as
