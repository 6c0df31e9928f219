{{ config(
    unique_key=['hub', 'other_hub', 'edge_kind'],
    order_by=['edge_kind', 'hub', 'other_hub'],
    statistics=['hub', 'other_hub'],
    tags=['scope:global'],
) }}

with relatives as (

    select
        beads_project_id,
        bead_id,
        beads_project_id as other_project_id,
        parent_bead_id as other_bead_id,
        'parent' as edge_kind
    from {{ ref('dim_beads') }}
    where parent_bead_id is not null
    union all
    select
        beads_project_id,
        bead_id,
        beads_project_id as other_project_id,
        superseded_by as other_bead_id,
        'supersedes' as edge_kind
    from {{ ref('dim_beads') }}
    where superseded_by is not null
    union all
    select
        beads_project_id,
        bead_id,
        beads_project_id as other_project_id,
        duplicate_of as other_bead_id,
        'duplicate' as edge_kind
    from {{ ref('dim_beads') }}
    where duplicate_of is not null
    union all
    select
        beads_project_id,
        convoy_id as bead_id,
        tracked_beads_project_id as other_project_id,
        tracked_bead_id as other_bead_id,
        'convoy' as edge_kind
    from {{ ref('bridge_convoy_bead') }}
    where tracked_beads_project_id is not null

),

edges as (

    select
        edge_kind,
        {{ bead_node('beads_project_id', 'bead_id') }} as hub,
        {{ bead_node('other_project_id', 'other_bead_id') }} as other_hub
    from relatives
    union
    select
        'near_duplicate' as edge_kind,
        {{ text_node('text_hash') }} as hub,
        {{ text_node('other_text_hash') }} as other_hub
    from {{ ref('int_near_duplicate_pairs') }}

)

select
    edge_kind,
    hub,
    other_hub
from edges
where hub <> other_hub
