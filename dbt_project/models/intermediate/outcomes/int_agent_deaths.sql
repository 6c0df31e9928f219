{{ config(
    incremental=true,
    unique_key=['town_id', 'died_on', 'evidence_key', 'tmux_name'],
    touched_key=['town_id', 'died_on'],
    order_by=['town_id', 'died_at', 'evidence_key', 'tmux_name'],
    statistics=['town_id', 'died_on', 'died_at', 'agent_address', 'watcher_address'],
    tags=['scope:shard']
) }}

{% set columns = ['town_id', 'died_on', 'died_at', 'death_kind', 'evidence_key', 'source', 'tmux_name', 'named_address', 'reason',
    'caller'] %}

-- Days with a new death, and days whose tmux names a new bead prefix explains otherwise.
{% set new_days %}
    select distinct town_id, cast(recorded_at as date) as died_on
    from {{ ref('stg_town__events') }}
    where event_type in ('session_death', 'mass_death') and {{ new_rows() }}
    union
    select distinct town_id, cast(recorded_at as date) as died_on
    from {{ ref('stg_telemetry__records') }}
    where event_name = 'daemon.restart' and {{ new_rows() }}
{% endset %}
{% set renamed_days %}
    select known.town_id, known.died_on
    from {{ part_of(this, touched(ref('int_tmux_names'))) }} as known
    inner join {{ ref('int_tmux_names') }} as names on known.town_id = names.town_id and known.tmux_name = names.tmux_name
    where known.named_address is null and known.agent_address is distinct from names.address
{% endset %}
{% set touched_days = new_days ~ ' union ' ~ renamed_days if is_incremental() else new_days %}

with deaths as (

    select
        events.town_id,
        cast(events.recorded_at as date) as died_on,
        events.recorded_at as died_at,
        events.event_type as death_kind,
        events.event_hash as evidence_key,
        'town_event' as source,
        names.tmux_name,
        case when events.event_type = 'session_death' then events.agent_address end as named_address,
        coalesce(events.reason, events.possible_cause) as reason,
        events.caller
    from {{ ref('stg_town__events') }} as events
    left join {{ ref('stg_town__tmux_names') }} as names
        on
            events.town_id = names.town_id
            and events.event_hash = names.event_hash
            and events.occurrence = names.occurrence
            and {{ new_rows('names') }}
    where events.event_type in ('session_death', 'mass_death') and {{ new_rows('events') }}
    -- A line that was logged twice says the same once.
    union
    select
        town_id,
        cast(recorded_at as date) as died_on,
        recorded_at as died_at,
        'daemon_restart' as death_kind,
        event_hash as evidence_key,
        'telemetry' as source,
        cast(null as varchar) as tmux_name,
        agent_address as named_address,
        cast(null as varchar) as reason,
        'daemon' as caller
    from {{ ref('stg_telemetry__records') }}
    where event_name = 'daemon.restart' and coalesce(status, 'ok') = 'ok' and {{ new_rows() }}

),

all_deaths as (

    {{ with_known_rows('deaths', columns, ['town_id', 'died_on'], touched_days) }}

),

rules as (

    select
        pattern,
        signal,
        rule_number
    from {{ ref('outcome_text_rules') }}
    where text_kind = 'death_reason'

),

judged as (

    select
        deaths.*,
        coalesce(deaths.named_address, names.address) as agent_address,
        rules.signal,
        row_number() over (
            partition by deaths.town_id, deaths.evidence_key, deaths.tmux_name
            order by rules.rule_number
        ) as choice
    from all_deaths as deaths
    left join {{ ref('int_tmux_names') }} as names
        on deaths.town_id = names.town_id and deaths.tmux_name = names.tmux_name
    left join rules on lower(coalesce(deaths.reason, '')) like rules.pattern

)

select
    town_id,
    died_on,
    died_at,
    death_kind,
    evidence_key,
    source,
    tmux_name,
    named_address,
    agent_address,
    -- Who is to notice: boot looks after the deacon, the deacon after those who exist once, a witness after its rig's polecats.
    case {{ address_role('agent_address') }}
        when 'polecat' then concat({{ address_rig('agent_address') }}, '/witness')
        when 'deacon' then 'deacon/boot'
        when 'crew' then null
        when 'boot' then null
        else case when agent_address is not null then 'deacon' end
    end as watcher_address,
    reason,
    caller,
    -- A mass death is a crash whatever caused it, and the daemon restarts only what is down.
    death_kind in ('mass_death', 'daemon_restart') or signal = 'crash' as is_crash
from judged
where choice = 1
