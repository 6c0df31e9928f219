{{ config(
    incremental=true,
    unique_key=['episode_key', 'bridge', 'beads_project_id', 'name'],
    touched_key=['session_key'],
    touched_sql="{{ signalled_sessions() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'episode_key', 'session_started_at'],
    rows_per_file=2500,
    tags=['scope:shard']
) }}

-- A bead is put on the hook just before the agent is started or told.
{% set early_seconds = 60 %}
-- What `gt done` writes may come after the episode's last record.
{% set late_seconds = 120 %}
-- How long a bead that nobody took from a hook is believed to be there.
{% set hook_seconds = 7 * 86400 %}
{% set touched_sessions = signalled_sessions() %}

with
{% if is_incremental() %}
touched_sessions as (

    {{ touched_sessions }}

),

{% endif %}
episodes as (

    select
        episodes.episode_key,
        episodes.session_key,
        episodes.session_started_at,
        episodes.town_id,
        episodes.agent_address,
        episodes.started_at,
        {{ seconds_added('episodes.started_at', early_seconds) }} as begun_at,
        {{ seconds_added('episodes.started_at', '-' ~ hook_seconds) }} as hooked_since,
        episodes.ended_at,
        least(
            {{ seconds_added('episodes.ended_at', late_seconds) }},
            coalesce(
                lead(episodes.started_at) over (
                    partition by episodes.session_key
                    order by episodes.first_message_number
                ),
                {{ seconds_added('episodes.ended_at', late_seconds) }}
            )
        ) as over_at
    from {{ part_of(ref('fct_episodes'), touched_sessions) }} as episodes
    where
        episodes.town_id is not null
        {% if is_incremental() %}
        and episodes.session_key in (select session_key from touched_sessions)
        {% endif %}

),

agents as (

    select distinct
        town_id,
        agent_address
    from episodes
    where agent_address is not null

),

observed as (

    select distinct
        town_id,
        beads_project_id
    from {{ ref('bridge_town_database') }}

),

-- What was put into an agent's hands or taken out: by the town's log, by the agent's bead, by telemetry of its start.
hands as (

    select
        agents.town_id,
        agents.agent_address,
        'hook_event' as bridge,
        cast(null as varchar) as beads_project_id,
        case when events.event_type in ('hook', 'sling') then events.bead_id end as name,
        'town_event' as evidence_kind,
        events.event_hash as evidence_key,
        events.recorded_at as occurred_at
    from {{ ref('int_bead_town_events') }} as events
    inner join agents on events.town_id = agents.town_id and events.agent_address = agents.agent_address
    where events.event_type in ('hook', 'sling', 'unhook', 'done')
    union all
    select
        agents.town_id,
        agents.agent_address,
        'agent_hook' as bridge,
        reports.beads_project_id,
        reports.hook_bead_id as name,
        'bead_event' as evidence_kind,
        reports.event_key as evidence_key,
        {{ seconds_added(
            'reports.changed_at_as_recorded', '-(' ~ clock_offset('reports.changed_at_as_recorded', 'offsets') ~ ')'
        ) }} as occurred_at
    from {{ ref('int_agent_reports') }} as reports
    inner join observed on reports.beads_project_id = observed.beads_project_id
    inner join agents on observed.town_id = agents.town_id and reports.agent_address = agents.agent_address
    left join {{ ref('int_clock_offsets') }} as offsets
        on
            reports.beads_project_id = offsets.beads_project_id
            and cast(reports.changed_at_as_recorded as date) = offsets.recorded_on
    union all
    select
        agents.town_id,
        agents.agent_address,
        'telemetry' as bridge,
        cast(null as varchar) as beads_project_id,
        marks.bead_id as name,
        'telemetry' as evidence_kind,
        marks.event_hash as evidence_key,
        marks.last_recorded_at as occurred_at
    from {{ ref('int_telemetry_bead_marks') }} as marks
    inner join agents on marks.town_id = agents.town_id and marks.agent_address = agents.agent_address
    where marks.session_id is null

),

held as (

    select
        episodes.episode_key,
        hands.bridge,
        hands.beads_project_id,
        hands.name,
        hands.evidence_kind,
        hands.evidence_key,
        hands.occurred_at,
        row_number() over (
            partition by episodes.episode_key, hands.bridge
            order by hands.occurred_at desc, case when hands.name is null then 1 else 0 end, hands.evidence_key
        ) as changes_back
    from episodes
    inner join hands
        on
            episodes.town_id = hands.town_id
            and episodes.agent_address = hands.agent_address
            and hands.occurred_at between episodes.hooked_since and episodes.begun_at

),

-- What the agent finished while the episode went on.
finished as (

    select
        episodes.episode_key,
        'done_event' as bridge,
        cast(null as varchar) as beads_project_id,
        events.bead_id as name,
        'town_event' as evidence_kind,
        events.event_hash as evidence_key,
        events.recorded_at as occurred_at
    from episodes
    inner join {{ ref('int_bead_town_events') }} as events
        on
            episodes.town_id = events.town_id
            and episodes.agent_address = events.agent_address
            and events.event_type = 'done'
            and events.recorded_at between episodes.started_at and episodes.over_at
    union all
    select
        episodes.episode_key,
        'agent_done' as bridge,
        reports.beads_project_id,
        coalesce(reports.previous_hook_bead_id, reports.branch_bead_id) as name,
        'bead_event' as evidence_kind,
        reports.event_key as evidence_key,
        reports.completed_at as occurred_at
    from episodes
    inner join observed on episodes.town_id = observed.town_id
    inner join {{ ref('int_agent_reports') }} as reports
        on
            observed.beads_project_id = reports.beads_project_id
            and episodes.agent_address = reports.agent_address
            and reports.completed_at between episodes.started_at and episodes.over_at

),

overlapping as (

    select
        episodes.episode_key,
        attempts.beads_project_id,
        attempts.bead_id,
        attempts.attempt_key,
        attempts.hooked_at,
        attempts.hooked_at > episodes.begun_at as is_begun_within,
        row_number() over (
            partition by episodes.episode_key, attempts.hooked_at > episodes.begun_at
            order by attempts.hooked_at desc, attempts.attempt_key
        ) as attempts_back,
        max(case when attempts.hooked_at > episodes.begun_at then 1 else 0 end)
            over (partition by episodes.episode_key) as has_begun_within
    from episodes
    inner join observed on episodes.town_id = observed.town_id
    inner join {{ ref('fct_attempts') }} as attempts
        on
            observed.beads_project_id = attempts.beads_project_id
            and episodes.agent_address = attempts.assignee_address
            and episodes.ended_at >= attempts.hooked_at
            and episodes.started_at <= coalesce(attempts.ended_at, episodes.ended_at)

),

-- Changes of a bead that the agent itself made: what its commands left in the database.
acted as (

    select
        episodes.episode_key,
        changes.beads_project_id,
        changes.bead_id,
        changes.event_key,
        changes.occurred_at
    from episodes
    inner join observed on episodes.town_id = observed.town_id
    inner join {{ ref('fct_bead_events') }} as changes
        on
            observed.beads_project_id = changes.beads_project_id
            and episodes.agent_address = changes.actor_address
            and changes.occurred_at between episodes.started_at and episodes.over_at

),

closed_by as (

    select
        episodes.episode_key,
        beads.beads_project_id,
        beads.bead_id,
        beads.closed_at
    from {{ ref('int_beads') }} as beads
    inner join observed on beads.beads_project_id = observed.beads_project_id
    inner join {{ ref('int_sessions') }} as sessions
        on observed.town_id = sessions.town_id and beads.closed_by_session = sessions.session_id
    inner join episodes
        on
            sessions.session_key = episodes.session_key
            and beads.closed_at between episodes.started_at and episodes.over_at
    where beads.closed_by_session is not null

),

telemetry as (

    select
        episodes.episode_key,
        marks.bead_id,
        marks.event_hash,
        marks.first_recorded_at
    from {{ ref('int_telemetry_bead_marks') }} as marks
    inner join {{ ref('int_sessions') }} as sessions
        on marks.town_id = sessions.town_id and marks.session_id = sessions.session_id
    inner join episodes
        on
            sessions.session_key = episodes.session_key
            and marks.first_recorded_at <= episodes.over_at
            and marks.last_recorded_at >= episodes.started_at

),

signals as (

    select episode_key, bridge, beads_project_id, name, evidence_kind, evidence_key, occurred_at
    from held
    where changes_back = 1
    union all
    select episode_key, bridge, beads_project_id, name, evidence_kind, evidence_key, occurred_at from finished
    union all
    select
        episode_key,
        'attempt' as bridge,
        beads_project_id,
        bead_id as name,
        'attempt' as evidence_kind,
        attempt_key as evidence_key,
        hooked_at as occurred_at
    from overlapping
    -- What came into the agent's hands in the episode; else the last that came before.
    where is_begun_within or (has_begun_within = 0 and attempts_back = 1)
    union all
    select
        episode_key,
        'acted' as bridge,
        beads_project_id,
        bead_id as name,
        'bead_event' as evidence_kind,
        event_key as evidence_key,
        occurred_at
    from acted
    union all
    select
        episode_key,
        'closed_by_session' as bridge,
        beads_project_id,
        bead_id as name,
        'bead' as evidence_kind,
        bead_id as evidence_key,
        closed_at as occurred_at
    from closed_by
    union all
    select
        episode_key,
        'telemetry' as bridge,
        cast(null as varchar) as beads_project_id,
        bead_id as name,
        'telemetry' as evidence_kind,
        event_hash as evidence_key,
        first_recorded_at as occurred_at
    from telemetry

),

numbered as (

    select
        *,
        row_number() over (
            partition by episode_key, bridge, beads_project_id, name
            order by occurred_at, evidence_key
        ) as signal_number
    from signals
    where name is not null

)

select
    numbered.episode_key,
    episodes.session_key,
    episodes.session_started_at,
    numbered.bridge,
    numbered.beads_project_id,
    numbered.name,
    numbered.evidence_kind,
    numbered.evidence_key,
    numbered.occurred_at
from numbered
inner join episodes on numbered.episode_key = episodes.episode_key
where numbered.signal_number = 1
