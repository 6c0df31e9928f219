{{ config(
    incremental=false,
    unique_key=['judgement_key'],
    touched_key=['session_key'],
    order_by=['session_key[:6]', 'session_key', 'judgement_key'],
    statistics=['session_key', 'episode_key'],
    tags=['scope:global'],
) }}

with bead_labels as (

    select
        'interactions' as source,
        interaction_id as evidence_id,
        actor as judge,
        beads_project_id,
        bead_id,
        case
            when lower(label) in ('good', 'accept', 'accepted', 'approve', 'approved', 'pass') then cast(1 as double)
            when lower(label) in ('bad', 'reject', 'rejected', 'fail', 'failed') then cast(0 as double)
        end as value,
        created_at_as_recorded as judged_at
    from {{ ref('stg_beads__interactions') }}
    where kind = 'label' and bead_id is not null

),

-- The commons know no beads; the evidence of a completion may end with one.
completions as (

    select
        stamp_id,
        {{ regex_group("lower(evidence)", '([a-z][a-z0-9_]*(?:-[a-z0-9]+)+)/?$') }} as bead_id
    from {{ ref('stg_beads__completions') }}
    where not is_withdrawn and stamp_id is not null

),

beads as (

    select
        bead_id,
        min(beads_project_id) as beads_project_id
    from {{ ref('dim_beads') }}
    group by bead_id
    -- An id that two databases use names no bead.
    having count(*) = 1

),

stamps as (

    select
        'stamps' as source,
        stamps.stamp_id as evidence_id,
        stamps.author as judge,
        beads.beads_project_id,
        beads.bead_id,
        least(greatest(stamps.mean_points / {{ score_rule('stamp_highest_points') }}, 0), 1) as value,
        stamps.created_at_as_recorded as judged_at
    from {{ ref('stg_beads__stamps') }} as stamps
    inner join completions on stamps.stamp_id = completions.stamp_id
    inner join beads on completions.bead_id = beads.bead_id
    where not stamps.is_withdrawn and stamps.mean_points is not null

),

of_beads as (

    select * from bead_labels
    where value is not null
    union all
    select * from stamps

),

-- A judgement of a bead is one of the last episode that worked on it before.
candidates as (

    select
        of_beads.*,
        links.episode_key,
        episodes.session_key,
        episodes.agent_address,
        episodes.role_family,
        row_number() over (
            partition by of_beads.source, of_beads.evidence_id, of_beads.beads_project_id
            order by
                case when episodes.started_at <= of_beads.judged_at or of_beads.judged_at is null then 0 else 1 end,
                episodes.started_at desc, episodes.episode_key
        ) as candidate_number
    from of_beads
    inner join {{ ref('fct_episode_links') }} as links
        on of_beads.beads_project_id = links.primary_beads_project_id and of_beads.bead_id = links.primary_bead_id
    inner join {{ ref('fct_episodes') }} as episodes on links.episode_key = episodes.episode_key

),

of_episodes as (

    select
        source,
        evidence_id,
        judge,
        episode_key,
        session_key,
        agent_address,
        role_family,
        value,
        judged_at
    from candidates
    where candidate_number = 1
    union all
    select
        'labels' as source,
        labels.label_id as evidence_id,
        labels.labeller as judge,
        labels.episode_key,
        labels.session_key,
        episodes.agent_address,
        episodes.role_family,
        case labels.verdict when 'good' then cast(1 as double) when 'bad' then cast(0 as double) end as value,
        labels.labelled_at as judged_at
    from {{ ref('fct_labels') }} as labels
    inner join {{ ref('fct_episodes') }} as episodes on labels.episode_key = episodes.episode_key
    where labels.is_current and not labels.is_human and labels.verdict <> 'unsure'

)

select
    {{ text_hash("concat(source, '|', evidence_id, '|', episode_key)") }} as judgement_key,
    episode_key,
    session_key,
    role_family,
    source,
    judge,
    evidence_id,
    value,
    judged_at
from of_episodes
-- Nobody judges their own work.
where judge is not null and judge <> coalesce(agent_address, '')
