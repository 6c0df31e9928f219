{{ config(
    incremental=true,
    unique_key=['beads_project_id', 'molecule_id'],
    touched_key=['beads_project_id', 'molecule_id'],
    touched_sql="select beads_project_id, bead_id as molecule_id from {{ touched(ref('dim_beads')) }}",
    order_by=['created_at', 'beads_project_id', 'molecule_id'],
    statistics=['beads_project_id', 'molecule_id', 'created_at'],
    rows_per_file=5000,
    tags=['scope:global']
) }}

-- What changed itself or has an edge that changed; then the molecules these are, hang on, or are steps of.
{% set touched_beads = 'select beads_project_id, bead_id from ' ~ touched(ref('dim_beads'))
    ~ ' union select beads_project_id, bead_id from ' ~ touched(ref('stg_beads__dependencies')) %}
{% set touched_molecules %}
    select
        beads_project_id,
        bead_id
    from ({{ touched_beads }}) as beads
    union
    select beads_project_id, depends_on_bead_id as bead_id
    from {{ part_of(ref('stg_beads__dependencies'), touched_beads) }}
    union
    select beads_project_id, attached_molecule as bead_id
    from {{ part_of(ref('int_beads'), touched_beads) }}
    where attached_molecule is not null
{% endset %}
{% set attaching_beads = 'select beads_project_id, bead_id as attached_molecule from (' ~ touched_molecules ~ ')' %}
{% set edge_targets = 'select beads_project_id, bead_id as depends_on_bead_id from (' ~ touched_molecules ~ ')' %}

with
{% if is_incremental() %}
touched_molecules as (

    {{ touched_molecules }}

),

{% endif %}
carriers as (

    select
        beads_project_id,
        bead_id,
        attached_molecule,
        attached_formula
    from {{ part_of(ref('int_beads'), attaching_beads) }}
    where attached_molecule is not null

),

attached as (

    select distinct
        beads_project_id,
        attached_molecule
    from carriers

),

edges as (

    select distinct
        beads_project_id,
        bead_id,
        depends_on_bead_id,
        dependency_type
    from {{ part_of(ref('stg_beads__dependencies'), edge_targets) }}
    where dependency_type in ('blocks', 'parent-child') and change = 'upsert' and not is_external

),

molecules as (

    select
        beads.beads_project_id,
        beads.bead_id,
        beads.title,
        beads.status,
        beads.kind,
        beads.mol_type,
        beads.close_reason,
        beads.is_ephemeral
    from {{ part_of(ref('int_beads'), touched_molecules) }} as beads
    {% if is_incremental() %}
    inner join touched_molecules
        on beads.beads_project_id = touched_molecules.beads_project_id and beads.bead_id = touched_molecules.bead_id
    {% endif %}
    left join attached
        on beads.beads_project_id = attached.beads_project_id and beads.bead_id = attached.attached_molecule
    -- Since formulas run from their root alone, the root may be any ephemeral bead; that it is attached makes it a molecule.
    where beads.kind = 'molecule' or attached.attached_molecule is not null

),

lives as (

    select
        beads_project_id,
        bead_id,
        created_at,
        closed_at,
        is_gone
    from {{ part_of(ref('dim_beads'), touched_molecules) }}

),

work as (

    select
        beads_project_id,
        molecule_id,
        min(bead_id) as work_bead_id,
        cast(count(distinct bead_id) as bigint) as work_bead_count
    from (
        select
            beads_project_id,
            attached_molecule as molecule_id,
            bead_id
        from carriers
        union
        select
            beads_project_id,
            depends_on_bead_id as molecule_id,
            bead_id
        from edges
        where dependency_type = 'blocks'
    ) as hanging
    group by beads_project_id, molecule_id

),

steps as (

    select
        edges.beads_project_id,
        edges.depends_on_bead_id as molecule_id,
        cast(count(*) as bigint) as step_count,
        cast(count(case when beads.status = 'closed' then 1 end) as bigint) as closed_step_count
    from edges
    inner join {{ part_of(ref('int_beads'),
        'select beads_project_id, bead_id from ' ~ part_of(ref('stg_beads__dependencies'), edge_targets)
    ) }} as beads
        on edges.beads_project_id = beads.beads_project_id and edges.bead_id = beads.bead_id
    where edges.dependency_type = 'parent-child'
    group by edges.beads_project_id, edges.depends_on_bead_id

),

formulas as (

    select
        beads_project_id,
        attached_molecule as molecule_id,
        min(attached_formula) as formula
    from carriers
    group by beads_project_id, attached_molecule

)

select
    molecules.beads_project_id,
    molecules.bead_id as molecule_id,
    coalesce(formulas.formula, molecules.title) as formula,
    molecules.mol_type,
    molecules.status,
    case
        when molecules.status <> 'closed' then 'open'
        when molecules.close_reason like 'burned%' then 'burned'
        when molecules.close_reason like 'stale:auto-closed by reaper%' then 'reaped'
        when molecules.is_ephemeral and molecules.close_reason is null then 'reaped'
        else 'done'
    end as end_kind,
    molecules.close_reason,
    work.work_bead_id,
    coalesce(work.work_bead_count, 0) as work_bead_count,
    coalesce(steps.step_count, 0) as step_count,
    coalesce(steps.closed_step_count, 0) as closed_step_count,
    molecules.is_ephemeral,
    lives.is_gone,
    lives.created_at,
    lives.closed_at
from molecules
inner join lives on molecules.beads_project_id = lives.beads_project_id and molecules.bead_id = lives.bead_id
left join work on molecules.beads_project_id = work.beads_project_id and molecules.bead_id = work.molecule_id
left join steps on molecules.beads_project_id = steps.beads_project_id and molecules.bead_id = steps.molecule_id
left join formulas on molecules.beads_project_id = formulas.beads_project_id and molecules.bead_id = formulas.molecule_id
