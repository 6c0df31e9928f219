{{ config(
    unique_key=['beads_project_id', 'convoy_id'],
    order_by=['created_at', 'beads_project_id', 'convoy_id'],
    statistics=['beads_project_id', 'convoy_id', 'created_at'],
    tags=['scope:global']
) }}

{% set convoy_keys %}
    select beads_project_id, bead_id
    from {{ ref('int_beads') }}
    where kind = 'convoy'
{% endset %}

-- Convoys are few: all of them are looked at anew in each build, because the beads they track are whoever's.
with convoys as (

    select
        beads_project_id,
        bead_id,
        title,
        status,
        close_reason,
        created_by_address
    from {{ ref('int_beads') }}
    where kind = 'convoy'

),

described as (

    select
        issues.beads_project_id,
        issues.bead_id,
        issues.description,
        row_number() over (
            partition by issues.beads_project_id, issues.bead_id
            order by issues.is_current desc, issues.ordered_at desc, issues.source, issues.observed_at desc, issues.record_hash
        ) as preference
    from {{ part_of(ref('stg_beads__issues'), convoy_keys) }} as issues
    inner join convoys on issues.beads_project_id = convoys.beads_project_id and issues.bead_id = convoys.bead_id
    where issues.change = 'upsert' and (issues.is_last_known or issues.is_current)

),

owned as (

    select distinct
        labels.beads_project_id,
        labels.bead_id
    from {{ part_of(ref('stg_beads__labels'), convoy_keys) }} as labels
    where labels.label = 'gt:owned' and labels.change = 'upsert'

),

tracked as (

    select
        tracked.beads_project_id,
        tracked.convoy_id,
        cast(count(*) as bigint) as tracked_bead_count,
        cast(count(tracked.tracked_beads_project_id) as bigint) as known_bead_count,
        cast(count(case when beads.status = 'closed' then 1 end) as bigint) as closed_bead_count
    from {{ ref('bridge_convoy_bead') }} as tracked
    left join {{ ref('dim_beads') }} as beads
        on tracked.tracked_beads_project_id = beads.beads_project_id and tracked.tracked_bead_id = beads.bead_id
    where tracked.is_current
    group by tracked.beads_project_id, tracked.convoy_id

)

select
    convoys.beads_project_id,
    convoys.bead_id as convoy_id,
    convoys.title,
    convoys.status,
    convoys.close_reason,
    coalesce({{ canonical_address(description_field('described.description', 'Owner')) }}, convoys.created_by_address)
        as owner_address,
    {{ canonical_address(description_field('described.description', 'Notify')) }} as notify_address,
    coalesce({{ description_field('described.description', 'Merge') }}, 'mr') as merge_strategy,
    {{ description_field('described.description', 'Molecule') }} as molecule_id,
    {{ description_field('described.description', 'base_branch') }} as base_branch,
    owned.bead_id is not null as is_owned,
    coalesce(tracked.tracked_bead_count, 0) as tracked_bead_count,
    coalesce(tracked.known_bead_count, 0) as known_bead_count,
    coalesce(tracked.closed_bead_count, 0) as closed_bead_count,
    lives.is_gone,
    lives.created_at,
    lives.closed_at
from convoys
inner join {{ ref('dim_beads') }} as lives on convoys.beads_project_id = lives.beads_project_id and convoys.bead_id = lives.bead_id
left join described
    on convoys.beads_project_id = described.beads_project_id and convoys.bead_id = described.bead_id and described.preference = 1
left join owned on convoys.beads_project_id = owned.beads_project_id and convoys.bead_id = owned.bead_id
left join tracked on convoys.beads_project_id = tracked.beads_project_id and convoys.bead_id = tracked.convoy_id
