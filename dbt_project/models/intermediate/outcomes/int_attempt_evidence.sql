{{ config(
    incremental=true,
    unique_key=['attempt_key', 'source', 'evidence_key'],
    touched_key=['beads_project_id', 'bead_id'],
    touched_sql="{{ outcome_touched_beads() }}",
    order_by=['beads_project_id', 'bead_id', 'attempt_key', 'occurred_at', 'evidence_key'],
    statistics=['beads_project_id', 'bead_id', 'attempt_key'],
    tags=['scope:global']
) }}

{% set touched_beads = outcome_touched_beads() %}
{% set touched_works = bead_keys_as(touched_beads, 'work_id') %}
{% set touched_molecules = bead_keys_as(touched_beads, 'work_bead_id') %}
{% set columns = 'attempt_key, tier, kind, source, evidence_key, occurred_at, outcome, says' %}

with
{% if is_incremental() %}
touched_beads as (

    {{ touched_beads }}

),

{% endif %}
attempts as (

    select
        attempts.attempt_key,
        attempts.beads_project_id,
        attempts.bead_id,
        attempts.assignee_address,
        attempts.merge_request_id,
        attempts.hooked_at,
        attempts.ended_at,
        attempts.end_kind,
        attempts.ended_by_address,
        attempts.exit_type,
        attempts.exited_at,
        -- What is said of a bead belongs to the attempt that was hooked last.
        coalesce(
            lead(attempts.hooked_at) over (
                partition by attempts.beads_project_id, attempts.bead_id order by attempts.attempt_number
            ),
            cast('9999-01-01 00:00:00+00' as timestamp with time zone)
        ) as next_hooked_at
    from {{ part_of(ref('fct_attempts'), touched_beads) }} as attempts
    {% if is_incremental() %}
    inner join touched_beads
        on attempts.beads_project_id = touched_beads.beads_project_id and attempts.bead_id = touched_beads.bead_id
    {% endif %}

),

requests as (

    select
        attempts.attempt_key,
        'bead' as tier,
        'merge_request' as kind,
        'merge_request' as source,
        requests.merge_request_id as evidence_key,
        requests.closed_at as occurred_at,
        case when requests.state in ('merged', 'rejected', 'superseded') then requests.state end as outcome,
        concat_ws(': ', requests.state, requests.reason) as says
    from attempts
    inner join {{ part_of(ref('fct_merge_requests'), touched_works) }} as requests
        on
            attempts.beads_project_id = requests.beads_project_id
            and attempts.bead_id = requests.work_id
            and attempts.merge_request_id = requests.merge_request_id

),

changes as (

    select
        attempts.attempt_key,
        attempts.beads_project_id,
        attempts.bead_id,
        events.event_key,
        events.occurred_at,
        events.is_close,
        events.close_reason,
        events.merge_failure,
        events.merge_failure_type,
        events.merge_failure_reason
    from attempts
    inner join {{ part_of(ref('fct_bead_events'), touched_beads) }} as events
        on
            attempts.beads_project_id = events.beads_project_id
            and attempts.bead_id = events.bead_id
            and attempts.hooked_at <= events.occurred_at
            and attempts.next_hooked_at > events.occurred_at
    where events.is_close or events.merge_failure is not null

),

judged as (

    select
        changes.*,
        rules.signal,
        row_number() over (partition by changes.attempt_key, changes.event_key order by rules.rule_number) as choice
    from changes
    left join {{ ref('outcome_text_rules') }} as rules
        on
            changes.is_close
            and rules.text_kind = 'close_reason'
            and lower(coalesce(changes.close_reason, '')) like rules.pattern

),

life as (

    select
        judged.attempt_key,
        'bead' as tier,
        case when judged.is_close then 'close' else 'merge_failure' end as kind,
        'bead_event' as source,
        judged.event_key as evidence_key,
        judged.occurred_at,
        case
            when judged.signal = 'closed' then 'completed_unverified'
            when judged.is_close then judged.signal
            when judged.merge_failure = 'rejected' then 'rejected'
            else 'superseded'
        end as outcome,
        case
            when judged.is_close then coalesce(judged.close_reason, 'closed without a reason')
            else concat_ws(': ', judged.merge_failure, judged.merge_failure_type, judged.merge_failure_reason)
        end as says
    from judged
    -- A reason that names another attempt's merge request is about that attempt, and that one has it.
    left join attempts as others
        on
            judged.beads_project_id = others.beads_project_id
            and judged.bead_id = others.bead_id
            and judged.attempt_key <> others.attempt_key
            and lower(judged.close_reason) = lower(concat('merged in ', others.merge_request_id))
    where judged.choice = 1 and others.attempt_key is null

),

endings as (

    select
        attempt_key,
        'bead' as tier,
        'attempt' as kind,
        'attempt' as source,
        attempt_key as evidence_key,
        ended_at as occurred_at,
        case end_kind when 'open' then 'open' when 'closed' then 'completed_unverified' else 'abandoned' end as outcome,
        concat_ws(' by ', end_kind, ended_by_address) as says
    from attempts

),

-- A molecule whose steps are beads shows whether the work was carried through; one that is a mere root ends with its polecat.
steps as (

    select
        attempts.attempt_key,
        'formula' as tier,
        'molecule' as kind,
        'molecule' as source,
        molecules.molecule_id as evidence_key,
        molecules.closed_at as occurred_at,
        case
            when molecules.end_kind = 'done' and molecules.step_count > 0 and molecules.closed_step_count = molecules.step_count
                then 'completed_unverified'
        end as outcome,
        concat(
            molecules.end_kind, ', ', cast(molecules.closed_step_count as varchar), ' of ',
            cast(molecules.step_count as varchar), ' steps closed'
        ) as says
    from attempts
    inner join {{ part_of(ref('fct_molecules'), touched_molecules) }} as molecules
        on
            attempts.beads_project_id = molecules.beads_project_id
            and attempts.bead_id = molecules.work_bead_id
            and attempts.hooked_at <= coalesce(molecules.closed_at, molecules.created_at)
            and attempts.next_hooked_at > coalesce(molecules.closed_at, molecules.created_at)

),

towns as (

    select distinct
        town_id,
        beads_project_id
    from {{ ref('bridge_town_database') }}

),

exits as (

    select
        attempt_key,
        'bead' as tier,
        'agent_bead' as source,
        attempt_key as evidence_key,
        exited_at as occurred_at,
        exit_type
    from attempts
    where exit_type is not null
    union all
    -- A refused `gt done` is tried again: only what was taken counts.
    select distinct
        attempts.attempt_key,
        'telemetry' as tier,
        'telemetry' as source,
        records.event_hash as evidence_key,
        records.recorded_at as occurred_at,
        records.exit_type
    from attempts
    inner join towns on attempts.beads_project_id = towns.beads_project_id
    inner join {{ ref('stg_telemetry__records') }} as records
        on
            towns.town_id = records.town_id
            and attempts.assignee_address = records.agent_address
            and attempts.bead_id = records.bead_id
            and attempts.hooked_at <= records.recorded_at
            and attempts.next_hooked_at > records.recorded_at
    where records.event_name = 'done' and records.status = 'ok' and records.exit_type is not null

),

left_work as (

    select
        attempt_key,
        tier,
        'exit' as kind,
        source,
        evidence_key,
        occurred_at,
        case upper(exit_type)
            when 'COMPLETED' then 'completed_unverified'
            when 'ESCALATED' then 'escalated'
            when 'DEFERRED' then 'deferred'
        end as outcome,
        upper(exit_type) as says
    from exits

),

deaths as (

    select distinct
        attempts.attempt_key,
        case deaths.source when 'telemetry' then 'telemetry' else 'town_event' end as tier,
        'death' as kind,
        deaths.source,
        deaths.evidence_key,
        deaths.died_at as occurred_at,
        'crashed' as outcome,
        concat_ws(': ', deaths.death_kind, deaths.reason) as says
    from attempts
    inner join towns on attempts.beads_project_id = towns.beads_project_id
    inner join {{ ref('int_agent_deaths') }} as deaths
        on
            towns.town_id = deaths.town_id
            and attempts.assignee_address = deaths.agent_address
            and attempts.hooked_at <= deaths.died_at
            and coalesce(attempts.ended_at, attempts.next_hooked_at) >= deaths.died_at
    where deaths.is_crash

),

evidence as (

    select {{ columns }} from requests
    union all
    select {{ columns }} from life
    union all
    select {{ columns }} from endings
    union all
    select {{ columns }} from steps
    union all
    select {{ columns }} from left_work
    union all
    select {{ columns }} from deaths

)

select
    attempts.attempt_key,
    attempts.beads_project_id,
    attempts.bead_id,
    evidence.tier,
    evidence.kind,
    evidence.source,
    evidence.evidence_key,
    evidence.occurred_at,
    evidence.outcome,
    left(evidence.says, 200) as says
from evidence
inner join attempts on evidence.attempt_key = attempts.attempt_key
