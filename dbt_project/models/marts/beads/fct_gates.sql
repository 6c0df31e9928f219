{{ config(
    unique_key=['beads_project_id', 'gate_id'],
    order_by=['opened_at', 'beads_project_id', 'gate_id'],
    statistics=['beads_project_id', 'gate_id', 'opened_at'],
    tags=['scope:global']
) }}

-- Gates are few: all of them are looked at anew in each build.
with gates as (

    select
        beads_project_id,
        bead_id,
        title,
        status,
        await_type,
        await_id,
        timeout_ns,
        waiters,
        close_reason,
        created_by_address
    from {{ ref('int_beads') }}
    where kind = 'gate'

),

lives as (

    select
        beads_project_id,
        bead_id,
        created_at,
        closed_at,
        is_gone
    from {{ ref('dim_beads') }}
    where kind = 'gate'

),

timed as (

    select
        gates.*,
        lives.created_at as opened_at,
        lives.closed_at,
        lives.is_gone,
        case when gates.timeout_ns > 0 then gates.timeout_ns / cast(1000000000 as double) end as timeout_seconds,
        {{ seconds_between('lives.created_at', 'lives.closed_at') }} as waited_seconds
    from gates
    inner join lives on gates.beads_project_id = lives.beads_project_id and gates.bead_id = lives.bead_id

)

select
    beads_project_id,
    bead_id as gate_id,
    title,
    status,
    await_type,
    await_id,
    waiters as waiters_json,
    created_by_address as opened_by_address,
    close_reason,
    timeout_seconds,
    waited_seconds,
    -- Nothing on the row says so: a gate that was closed after its time had passed.
    case when closed_at is not null and timeout_seconds is not null then waited_seconds > timeout_seconds end as is_overdue,
    is_gone,
    opened_at,
    closed_at
from timed
