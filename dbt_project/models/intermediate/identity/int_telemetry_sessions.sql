{{ config(
    incremental=true,
    unique_key=['town_id', 'session_id', 'origin', 'tmux_name', 'agent_address', 'bead_id', 'run_id'],
    touched_key=['town_id', 'session_id'],
    order_by=['town_id', 'first_recorded_at', 'session_id', 'origin'],
    statistics=['town_id', 'session_id', 'first_recorded_at'],
    rows_per_file=2000,
    tags=['scope:shard']
) }}

{% set grain = ['town_id', 'session_id', 'origin', 'tmux_name', 'agent_address', 'bead_id', 'run_id'] %}
{% set news %}
select town_id, session_id from {{ ref('stg_telemetry__records') }} where session_id is not null and {{ new_rows() }}
{% endset %}
{% set columns = grain + ['event_hash', 'adapter_id', 'record_count', 'first_recorded_at', 'last_recorded_at'] %}

with records as (

    select
        town_id,
        session_id,
        case when event_name like 'claude_code.%' then 'claude_code' else 'gt' end as origin,
        tmux_name,
        agent_address,
        bead_id,
        run_id,
        event_hash,
        {{ adapter_of('model') }} as adapter_id,
        recorded_at
    from {{ ref('stg_telemetry__records') }}
    where session_id is not null and {{ new_rows() }}

),

counted as (

    select
        {{ grain | join(', ') }},
        min(event_hash) as event_hash,
        max(adapter_id) as adapter_id,
        cast(count(*) as bigint) as record_count,
        min(recorded_at) as first_recorded_at,
        max(recorded_at) as last_recorded_at
    from records
    group by {{ grain | join(', ') }}

),

sightings as (

    {{ with_known_rows('counted', columns, ['town_id', 'session_id'], keys=news) }}

)

select
    {{ grain | join(', ') }},
    min(event_hash) as event_hash,
    max(adapter_id) as adapter_id,
    cast(sum(record_count) as bigint) as record_count,
    min(first_recorded_at) as first_recorded_at,
    max(last_recorded_at) as last_recorded_at
from sightings
group by {{ grain | join(', ') }}
