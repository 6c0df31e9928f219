-- Every episode is in fct_episode_links, with a bead or a reason; and the bridge holds the same bead, once.
with primaries as (

    select
        episode_key,
        count(*) as primary_count,
        min(bead_id) as bead_id
    from {{ ref('bridge_episode_bead') }}
    where link_kind = 'primary'
    group by episode_key

)

select
    episodes.episode_key,
    links.primary_bead_id,
    links.unlinked_reason,
    primaries.primary_count
from {{ ref('fct_episodes') }} as episodes
left join {{ ref('fct_episode_links') }} as links on episodes.episode_key = links.episode_key
left join primaries on episodes.episode_key = primaries.episode_key
where
    {{ touched_rows(ref('fct_episodes'), 'episodes') }}
    and (
        links.episode_key is null
        or (links.primary_bead_id is null) = (links.unlinked_reason is null)
        or coalesce(links.primary_bead_id, '') <> coalesce(primaries.bead_id, '')
        or primaries.primary_count > 1
    )
