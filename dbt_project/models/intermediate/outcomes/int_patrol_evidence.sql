{{ config(
    incremental=true,
    unique_key=['episode_key', 'kind', 'source', 'evidence_key'],
    touched_key=['town_id', 'agent_address', 'cycle_on'],
    touched_sql="{{ patrol_days(patrol_touched_days(), [0, -1]) }}",
    order_by=['town_id', 'cycle_on', 'agent_address', 'episode_key', 'occurred_at', 'evidence_key'],
    statistics=['town_id', 'agent_address', 'cycle_on', 'session_key', 'episode_key'],
    tags=['scope:shard']
) }}

{% set touched_days = patrol_touched_days() %}
-- A cycle is judged by what follows it within the hour: a day's news reaches back to the cycles of the day before.
{% set judged_days = patrol_days(touched_days, [0, -1]) %}
{% set read_days = patrol_days(touched_days, [1, 0, -1, -2]) %}
{% set read_agents = 'select distinct town_id, agent_address from (' ~ read_days ~ ') as read_days' %}
{% set read_deaths = 'select distinct town_id, cycle_on as died_on from (' ~ read_days ~ ') as read_days' %}
{% set read_events = 'select town_id, agent_address, cycle_on as acted_on from (' ~ read_days ~ ') as read_days' %}
{% set columns = 'episode_key, tier, kind, source, evidence_key, occurred_at, outcome, says' %}

with
{% if is_incremental() %}
judged_days as (

    {{ judged_days }}

),

read_days as (

    {{ read_days }}

),

{% endif %}
cycles as (

    select
        episodes.episode_key,
        episodes.session_key,
        episodes.town_id,
        episodes.agent_address,
        episodes.started_at,
        episodes.ended_at,
        cast(episodes.started_at as date) as cycle_on
    from {{ part_of(ref('fct_episodes'), read_agents) }} as episodes
    {% if is_incremental() %}
    inner join read_days
        on
            episodes.town_id = read_days.town_id
            and episodes.agent_address = read_days.agent_address
            and cast(episodes.started_at as date) = read_days.cycle_on
    {% endif %}
    where episodes.role in ('witness', 'deacon', 'boot', 'dog') and episodes.kind = 'cycle'

),

towns as (

    select distinct
        town_id,
        beads_project_id
    from {{ ref('bridge_town_database') }}

),

-- A plugin run has a bead of its own; it is the errand of the dog's cycle that began last.
errands as (

    select
        cycles.episode_key,
        cycles.town_id,
        cycles.agent_address,
        substr(labels.label, 8) as errand_result,
        beads.bead_id,
        beads.created_at as acted_at,
        concat(beads.title, ': ', labels.label) as says,
        row_number() over (
            partition by cycles.town_id, beads.beads_project_id, beads.bead_id
            order by cycles.started_at desc, cycles.episode_key
        ) as choice
    from {{ ref('int_beads') }} as beads
    inner join {{ ref('stg_beads__labels') }} as labels
        on
            beads.beads_project_id = labels.beads_project_id
            and beads.bead_id = labels.bead_id
            and labels.change = 'upsert'
            and labels.label in ('result:success', 'result:failure', 'result:skip')
    inner join towns on beads.beads_project_id = towns.beads_project_id
    inner join cycles
        on
            towns.town_id = cycles.town_id
            and beads.created_by_address = cycles.agent_address
            and beads.created_at >= cycles.started_at
            and {{ seconds_between('cycles.ended_at', 'beads.created_at') }} <= 60 * {{ outcome_threshold('errand_bead_minutes') }}
    where beads.kind = 'plugin_run'

),

acts as (

    select
        cycles.episode_key,
        cycles.town_id,
        cycles.agent_address,
        acts.act,
        acts.target_address,
        acts.pane_signal,
        acts.errand_result,
        'transcript' as tier,
        'tool_call' as source,
        concat(acts.tool_call_key, '#', cast(acts.command_number as varchar)) as evidence_key,
        acts.acted_at,
        concat_ws(' ', acts.verb, acts.target_address, acts.pane_signal, acts.errand_result) as says
    from {{ part_of(ref('int_patrol_acts'), read_agents) }} as acts
    inner join cycles on acts.episode_key = cycles.episode_key
    union all
    select
        cycles.episode_key,
        cycles.town_id,
        cycles.agent_address,
        events.act,
        events.target_address,
        events.pane_signal,
        cast(null as varchar) as errand_result,
        'town_event' as tier,
        'town_event' as source,
        events.event_hash as evidence_key,
        events.acted_at,
        concat_ws(' ', events.event_type, events.target_address, events.checked_status) as says
    from {{ part_of(ref('int_patrol_events'), read_events) }} as events
    inner join cycles
        on
            events.town_id = cycles.town_id
            and events.agent_address = cycles.agent_address
            and events.acted_at >= cycles.started_at
            and events.acted_at <= cycles.ended_at
    union all
    -- A bead that was taken from a polecat: the polecat was dead or silent, and its work goes on.
    select
        cycles.episode_key,
        cycles.town_id,
        cycles.agent_address,
        'recovery' as act,
        attempts.assignee_address as target_address,
        cast(null as varchar) as pane_signal,
        cast(null as varchar) as errand_result,
        'bead' as tier,
        'attempt' as source,
        attempts.attempt_key as evidence_key,
        attempts.ended_at as acted_at,
        concat('took ', attempts.bead_id, ' from ', attempts.assignee_address) as says
    from {{ ref('fct_attempts') }} as attempts
    inner join towns on attempts.beads_project_id = towns.beads_project_id
    inner join cycles
        on
            towns.town_id = cycles.town_id
            and attempts.ended_by_address = cycles.agent_address
            and attempts.ended_at >= cycles.started_at
            and attempts.ended_at <= cycles.ended_at
    where attempts.end_kind = 'unhooked'
    union all
    select
        episode_key,
        town_id,
        agent_address,
        'errand' as act,
        cast(null as varchar) as target_address,
        cast(null as varchar) as pane_signal,
        errand_result,
        'bead' as tier,
        'bead' as source,
        bead_id as evidence_key,
        acted_at,
        says
    from errands
    where choice = 1
),

-- What a cycle knew of the agent it disturbed: whether it was silent before, and how it answered.
targets as (

    select
        alarms.episode_key,
        alarms.source,
        alarms.evidence_key,
        max(case when looks.pane_signal in ('stalled', 'gone', 'answered') then 1 else 0 end) as stalled,
        max(case when looks.pane_signal = 'working' and looks.acted_at <= alarms.acted_at then 1 else 0 end) as working_before,
        max(case when looks.pane_signal = 'working' then 1 else 0 end) as working
    from acts as alarms
    inner join acts as looks
        on
            alarms.episode_key = looks.episode_key
            and looks.act = 'look'
            and (
                alarms.target_address is null
                or looks.target_address is null
                or alarms.target_address = looks.target_address
            )
    where alarms.act = 'alarm'
    group by alarms.episode_key, alarms.source, alarms.evidence_key

),

doings as (

    select
        acts.episode_key,
        acts.tier,
        acts.act as kind,
        acts.source,
        acts.evidence_key,
        acts.acted_at as occurred_at,
        case
            when acts.act in ('rescue', 'recovery') then 'stall_helped'
            when acts.errand_result is not null then concat('errand_', acts.errand_result)
            when acts.act = 'alarm' and targets.stalled = 1 and targets.working_before = 0 then 'stall_helped'
            when acts.act = 'alarm' and targets.working = 1 then 'false_alarm'
        end as outcome,
        acts.says
    from acts
    left join targets
        on
            acts.episode_key = targets.episode_key
            and acts.source = targets.source
            and acts.evidence_key = targets.evidence_key

),

deaths as (

    select distinct
        deaths.town_id,
        deaths.watcher_address,
        deaths.agent_address,
        deaths.source,
        deaths.evidence_key,
        deaths.died_at,
        concat_ws(' ', deaths.death_kind, deaths.agent_address, deaths.reason) as says
    from {{ part_of(ref('int_agent_deaths'), read_deaths) }} as deaths
    {% if is_incremental() %}
    inner join read_days
        on
            deaths.town_id = read_days.town_id
            and deaths.watcher_address = read_days.agent_address
            and deaths.died_on = read_days.cycle_on
    {% endif %}
    where deaths.is_crash and deaths.watcher_address is not null

),

-- The cycle that looked at the agent last before it died, else the one in which or after which it died.
answerable as (

    select
        deaths.*,
        cycles.episode_key,
        row_number() over (
            partition by deaths.town_id, deaths.evidence_key, deaths.agent_address
            order by
                case when looks.acted_at is null then 1 else 0 end, looks.acted_at desc, cycles.started_at desc, cycles.episode_key
        ) as choice
    from deaths
    inner join cycles
        on
            deaths.town_id = cycles.town_id
            and deaths.watcher_address = cycles.agent_address
            and deaths.died_at >= cycles.started_at
            and {{ seconds_between('cycles.ended_at', 'deaths.died_at') }} <= 60 * {{ outcome_threshold('patrol_watch_minutes') }}
    left join acts as looks
        on
            cycles.episode_key = looks.episode_key
            and looks.act = 'look'
            and deaths.agent_address = looks.target_address
            and deaths.died_at >= looks.acted_at

),

helped as (

    select distinct
        answerable.evidence_key,
        answerable.agent_address
    from answerable
    inner join acts
        on
            answerable.town_id = acts.town_id
            and answerable.watcher_address = acts.agent_address
            and answerable.agent_address = acts.target_address
            and acts.act in ('alarm', 'rescue', 'recovery')
            and answerable.died_at < acts.acted_at
            and {{ seconds_between('answerable.died_at', 'acts.acted_at') }} <= 60 * {{ outcome_threshold('crash_help_minutes') }}

),

missed as (

    select
        answerable.episode_key,
        case answerable.source when 'telemetry' then 'telemetry' else 'town_event' end as tier,
        'death' as kind,
        answerable.source,
        concat(answerable.evidence_key, '#', answerable.agent_address) as evidence_key,
        answerable.died_at as occurred_at,
        case when helped.evidence_key is null then 'missed_crash' end as outcome,
        answerable.says
    from answerable
    left join helped on answerable.evidence_key = helped.evidence_key and answerable.agent_address = helped.agent_address
    where answerable.choice = 1

),

logs as (

    select
        town_id,
        min(died_at) as first_died_at
    from {{ ref('int_agent_deaths') }}
    where source = 'town_event'
    group by town_id

),

quiet as (

    select
        cycles.episode_key,
        'transcript' as tier,
        'cycle' as kind,
        'episode' as source,
        cycles.episode_key as evidence_key,
        cycles.started_at as occurred_at,
        case
            when count(acts.episode_key) > 0 and count(case when acts.act in ('alarm', 'rescue', 'recovery') then 1 end) = 0
                then 'quiet'
        end as outcome,
        concat(
            cast(count(case when acts.act in ('look', 'survey') then 1 end) as varchar), ' looks, ',
            cast(count(case when acts.act = 'alarm' then 1 end) as varchar), ' alarms',
            max(case when logs.first_died_at <= cycles.started_at then ', deaths logged' else '' end)
        ) as says
    from cycles
    left join acts on cycles.episode_key = acts.episode_key
    left join logs on cycles.town_id = logs.town_id
    group by cycles.episode_key, cycles.started_at

),

evidence as (

    select {{ columns }} from doings
    union all
    select {{ columns }} from missed
    union all
    select {{ columns }} from quiet

)

select
    evidence.episode_key,
    cycles.session_key,
    cycles.town_id,
    cycles.agent_address,
    cycles.cycle_on,
    evidence.tier,
    evidence.kind,
    evidence.source,
    evidence.evidence_key,
    evidence.occurred_at,
    evidence.outcome,
    left(evidence.says, 200) as says
from evidence
inner join cycles on evidence.episode_key = cycles.episode_key
{% if is_incremental() %}
inner join judged_days
    on
        cycles.town_id = judged_days.town_id
        and cycles.agent_address = judged_days.agent_address
        and cycles.cycle_on = judged_days.cycle_on
{% endif %}
