{{ config(
    materialized='delta',
    incremental=true,
    unique_key=['town_id', 'event_hash', 'occurrence'],
    order_by=['town_id', 'recorded_at', 'event_hash', 'occurrence'],
    statistics=['town_id', 'event_hash', 'session_id', 'bead_id', 'recorded_at', 'load_seq'],
    rows_per_file=20000,
    tags=['scope:shard']
) }}

{# Member of the record → column it becomes here. #}
{% set members = [
    ('session.id', 'runtime_id'), ('native_session_id', 'native_runtime_id'),
    ('gt.session', 'writer_tmux_name'), ('gt.role', 'writer_role'), ('gt.rig', 'writer_rig'), ('gt.issue', 'writer_bead_id'),
    ('gt.topic', 'topic'), ('gt.town', 'town_name'), ('run.id', 'run_id'),
    ('session', 'watched_tmux_name'), ('session_id', 'managed_tmux_name'),
    ('role', 'named_role'), ('rig', 'named_rig'), ('agent_name', 'named_agent'), ('agent_type', 'agent_type'),
    ('issue_id', 'issue_id'), ('bead', 'slung_bead_id'), ('target', 'target'),
    ('git_branch', 'git_branch'), ('git_commit', 'git_commit'),
    ('exit_type', 'exit_type'), ('status', 'status'), ('error', 'error'),
    ('model', 'model'), ('tool_name', 'tool_name'), ('success', 'success'), ('decision', 'decision'),
    ('duration_ms', 'duration_ms'), ('cost_usd', 'cost_usd'),
    ('input_tokens', 'input_tokens'), ('output_tokens', 'output_tokens'),
    ('cache_read_tokens', 'cache_read_tokens'), ('cache_creation_tokens', 'cache_creation_tokens'),
] %}

with new_records as (

    select
        town_id,
        event_hash,
        occurrence,
        load_seq,
        coalesce(event_name, 'unknown') as event_name,
        {{ json_member_texts('record', members | map('first') | list) }} as texts,
        recorded_at
    from {{ source('raw', 'telemetry_records') }}
    where {{ new_rows() }}

),

named as (

    select
        town_id,
        event_hash,
        occurrence,
        load_seq,
        event_name,
        -- gt reports other agents' sessions: what such a record is about is not who wrote it.
        event_name = 'agent.instantiate' or event_name like 'session.%' as is_about_other,
        {% for _, column in members -%}
        nullif({{ nth_text('texts', loop.index) }}, '') as {{ column }},
        {% endfor -%}
        recorded_at
    from new_records

),

subjects as (

    select
        *,
        case
            when named_role in ('mayor', 'deacon') then named_role
            when named_role in ('boot', 'deacon/boot') then 'deacon/boot'
            when named_role = 'dog' and named_agent is not null then concat('deacon/dogs/', named_agent)
            when named_role in ('witness', 'refinery') and named_rig is not null then concat(named_rig, '/', named_role)
            when named_role = 'crew' and named_rig is not null and named_agent is not null
                then concat(named_rig, '/crew/', named_agent)
            when named_role = 'polecat' and named_rig is not null and named_agent is not null
                then concat(named_rig, '/polecats/', named_agent)
            when named_role like '%/%' then {{ canonical_address('named_role') }}
        end as named_address,
        case
            when agent_type in ('mayor', 'deacon') then agent_type
            when agent_type like 'witness-_%' then concat(substr(agent_type, 9), '/witness')
            when agent_type like 'refinery-_%' then concat(substr(agent_type, 10), '/refinery')
        end as restarted_address,
        {{ canonical_address('writer_role') }} as writer_address
    from named

),

addressed as (

    select
        *,
        case
            when event_name = 'daemon.restart' then restarted_address
            when is_about_other then named_address
            -- `GT_ROLE` of a dog does not name it.
            when writer_address is null and writer_role = 'dog' and writer_tmux_name like 'hq-dog-_%'
                then concat('deacon/dogs/', substr(writer_tmux_name, 8))
            else writer_address
        end as agent_address
    from subjects

)

select
    town_id,
    event_hash,
    occurrence,
    load_seq,
    event_name,
    case when not is_about_other then lower(coalesce(runtime_id, native_runtime_id)) end as session_id,
    case
        when is_about_other then managed_tmux_name
        when event_name like 'agent.%' then coalesce(watched_tmux_name, writer_tmux_name)
        when event_name <> 'daemon.restart' then writer_tmux_name
    end as tmux_name,
    writer_tmux_name,
    agent_address,
    {{ address_role('agent_address') }} as role,
    {{ address_rig('agent_address') }} as rig,
    case
        when event_name = 'sling' then slung_bead_id
        when is_about_other then issue_id
        when event_name <> 'daemon.restart' then coalesce(issue_id, writer_bead_id)
    end as bead_id,
    case when event_name = 'sling' then target end as target,
    case when event_name = 'sling' then {{ canonical_address('target') }} end as target_address,
    topic,
    town_name,
    run_id,
    git_branch,
    git_commit,
    upper(exit_type) as exit_type,
    status,
    error,
    case when event_name <> 'daemon.restart' then agent_type end as runtime,
    model,
    tool_name,
    {{ to_boolean('success') }} as is_success,
    decision,
    {{ to_bigint('duration_ms') }} as duration_ms,
    {{ to_double('cost_usd') }} as cost_usd,
    {{ to_bigint('input_tokens') }} as input_tokens,
    {{ to_bigint('output_tokens') }} as output_tokens,
    {{ to_bigint('cache_read_tokens') }} as cache_read_tokens,
    {{ to_bigint('cache_creation_tokens') }} as cache_creation_tokens,
    recorded_at
from addressed
