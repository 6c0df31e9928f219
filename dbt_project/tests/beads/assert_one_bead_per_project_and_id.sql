-- Whatever towns and sources show of a bead, it is one bead.
select
    beads.beads_project_id,
    beads.bead_id
from {{ written(ref('int_beads')) }} as beads
where {{ touched_rows(ref('int_beads'), 'beads') }}
group by beads.beads_project_id, beads.bead_id
having count(*) > 1
