with observed as (

    select distinct
        town_id,
        beads_project_id
    from {{ ref('bridge_town_database') }}

)

select
    links.episode_key,
    links.beads_project_id,
    links.bead_id
from {{ written(ref('bridge_episode_bead')) }} as links
inner join {{ ref('fct_episodes') }} as episodes on links.episode_key = episodes.episode_key
left join {{ ref('int_beads') }} as beads on links.beads_project_id = beads.beads_project_id and links.bead_id = beads.bead_id
left join observed
    on episodes.town_id = observed.town_id and links.beads_project_id = observed.beads_project_id
where
    {{ touched_rows(ref('bridge_episode_bead'), 'links') }}
    and (beads.bead_id is null or observed.town_id is null)
