{{ config(
    incremental=true,
    unique_key=['session_key'],
    touched_key=['session_key'],
    order_by=['family_key', 'session_key'],
    statistics=['session_key', 'family_key'],
    rows_per_file=500,
    tags=['scope:global'],
) }}

-- depends_on: {{ ref('stg_claude__entries') }}
{% if is_incremental() %}
{%- set changed = changed_sessions_sql() %}
{%- set changed_uuids = asked_once(
    'changed_uuids',
    'select distinct uuid_hash from ' ~ part_of(ref('int_record_uuids'), changed) ~ ' where session_key in (' ~ changed ~ ')'
) %}
{%- set neighbours = asked_once(
    'fork_neighbours',
    changed ~ ' union select session_key from ' ~ part_of(ref('int_record_uuids'), changed_uuids)
    ~ ' where uuid_hash in (' ~ changed_uuids ~ ')'
) %}
{#- New records only add connections, so what was connected before is known from the families as they were. #}
{%- set families = 'select distinct family_key from ' ~ part_of(this, neighbours) ~ ' where session_key in (' ~ neighbours ~ ')' %}
{%- set relatives = asked_once(
    'fork_relatives',
    neighbours ~ ' union select session_key from ' ~ part_of(this, families) ~ ' where family_key in (' ~ families ~ ')'
) %}
{% else %}
{%- set relatives = 'select session_key from ' ~ ref('int_record_uuids') %}
{% endif %}
with uuids as (

    select
        session_key,
        uuid_hash,
        is_marked_fork,
        recorded_at
    from {{ part_of(ref('int_record_uuids'), relatives) }}
    {% if is_incremental() %}
    where session_key in ({{ relatives }})
    {% endif %}

),

holders as (

    select
        uuid_hash,
        min(session_key) as first_session_key,
        max(session_key) as last_session_key
    from uuids
    group by uuid_hash

),

shared as (

    select
        uuids.session_key,
        uuids.uuid_hash,
        holders.first_session_key
    from uuids
    inner join holders on uuids.uuid_hash = holders.uuid_hash
    where holders.first_session_key <> holders.last_session_key

),

edges as (

    select session_key as node, first_session_key as neighbour from shared
    union
    select first_session_key as node, session_key as neighbour from shared

),

{{ smallest_labels('edges', 6) }},

facts as (

    select
        uuids.session_key,
        min(case when holders.first_session_key = holders.last_session_key then uuids.recorded_at end) as first_unshared_at,
        max(case when uuids.is_marked_fork then 1 else 0 end) as marked_fork,
        cast(count(case when holders.first_session_key <> holders.last_session_key then 1 end) as bigint) as shared_record_count
    from uuids
    inner join holders on uuids.uuid_hash = holders.uuid_hash
    where uuids.session_key in (select node from labels)
    group by uuids.session_key

)

select
    facts.session_key,
    labels.label as family_key,
    cast(count(*) over (partition by labels.label) as bigint) as family_session_count,
    -- The original is no marked fork, has nothing of its own beyond what was copied, or went its own way first.
    cast(
        row_number() over (
            partition by labels.label
            order by facts.marked_fork, facts.first_unshared_at nulls first, facts.session_key
        ) as bigint
    ) as originality_rank,
    facts.shared_record_count,
    facts.first_unshared_at,
    facts.marked_fork = 1 as is_marked_fork,
    labels.is_converged
from facts
inner join labels on facts.session_key = labels.node
