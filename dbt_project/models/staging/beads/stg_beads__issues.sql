{{ config(
    materialized='delta',
    incremental=true,
    unique_key=['town_id', 'beads_project_id', 'source', 'table_name', 'row_key', 'observed_at', 'record_hash'],
    touched_key=['beads_project_id', 'bead_id'],
    order_by=['bead_created_at', 'beads_project_id', 'bead_id'],
    statistics=['beads_project_id', 'bead_id', 'bead_created_at', 'observed_at'],
    rows_per_file=5000,
    tags=['scope:global']
) }}

-- The columns of every schema version, by name: what a database does not have is null here.
{% set texts = [
    'content_hash', 'title', 'description', 'design', 'acceptance_criteria', 'notes', 'status', 'issue_type', 'original_type',
    'assignee', 'created_by', 'owner', 'closed_by_session', 'external_ref', 'spec_id', 'compacted_at_commit', 'sender',
    'wisp_type', 'mol_type', 'work_type', 'source_system', 'source_repo', 'close_reason', 'event_kind', 'actor', 'target',
    'payload', 'await_type', 'await_id', 'waiters', 'hook_bead', 'role_bead', 'agent_state', 'role_type', 'rig', 'metadata',
    'deleted_by', 'delete_reason'
] %}
{% set numbers = ['priority', 'estimated_minutes', 'compaction_level', 'original_size', 'timeout_ns', 'quality_score'] %}
{% set flags = ['ephemeral', 'pinned', 'is_template', 'no_history', 'crystallizes'] %}
{% set times = [
    'created_at', 'updated_at', 'closed_at', 'started_at', 'deleted_at', 'compacted_at', 'due_at', 'defer_until', 'last_activity'
] %}
{% set lists = ['labels', 'dependencies', 'comments'] %}
{% set shape = text_shape(texts + numbers + flags + times, lists) %}
{% set columns = ['town_id', 'beads_project_id', 'database_name', 'source', 'table_name', 'bead_id', 'row_key', 'change',
    'record_hash', 'observed_at', 'ordered_at', 'created_at_text', 'updated_at_text', 'embedded_labels', 'embedded_dependencies',
    'embedded_comments'] + texts + numbers + ['is_ephemeral', 'is_pinned', 'is_template', 'is_without_history',
    'is_crystallizing'] + times %}

with new_versions as (

    select
        *,
        {{ json_to_struct('record', shape) }} as fields
    from {{ source('raw', 'beads_rows') }}
    where table_name in ('issues', 'wisps') and {{ new_rows() }}

),

typed as (

    select
        town_id,
        beads_project_id,
        database as database_name,
        source,
        table_name,
        -- A second line with the same id has '#2' after its key.
        regexp_replace(row_key, '#[0-9]+$', '') as bead_id,
        row_key,
        change,
        record_hash,
        observed_at,
        -- A row cannot have changed after it was seen; a row that is gone was there until it was missed.
        least(coalesce(updated_at, observed_at), observed_at) as ordered_at,
        fields.created_at as created_at_text,
        fields.updated_at as updated_at_text,
        cast(fields.labels as varchar) as embedded_labels,
        cast(fields.dependencies as varchar) as embedded_dependencies,
        cast(fields.comments as varchar) as embedded_comments,
        {% for name in texts %}nullif(fields.{{ name }}, '') as {{ name }},
        {% endfor %}
        {% for name in numbers %}{{ to_bigint('fields.' ~ name) }} as {{ name }},
        {% endfor %}
        lower(fields.ephemeral) in ('1', 'true') as is_ephemeral,
        lower(fields.pinned) in ('1', 'true') as is_pinned,
        lower(fields.is_template) in ('1', 'true') as is_template,
        lower(fields.no_history) in ('1', 'true') as is_without_history,
        lower(fields.crystallizes) in ('1', 'true') as is_crystallizing,
        {% for name in times %}{{ to_timestamp_utc('fields.' ~ name) }} as {{ name }},
        {% endfor %}
        load_seq
    from new_versions

),

versions as (

    {{ with_known_rows(
        'typed', columns, ['beads_project_id', 'bead_id'], new_bead_keys(['issues', 'wisps'])
    ) }}

),

bounded as (

    select
        *,
        -- Where the bead lies in the files: all its versions together, beside beads of its time.
        min(created_at) over (partition by beads_project_id, bead_id) as bead_created_at,
        -- A copy that lags shows an old version after the new one: it was valid for no time.
        min(observed_at) over (
            partition by beads_project_id, source, table_name, row_key
            order by ordered_at, observed_at, record_hash nulls last, town_id
            rows between current row and unbounded following
        ) as valid_from,
        lag(case when change = 'upsert' then record_hash end) over (
            partition by beads_project_id, source, table_name, row_key
            order by ordered_at, observed_at, record_hash nulls last, town_id
        ) as previous_hash,
        row_number() over (
            partition by beads_project_id, source, table_name, row_key
            order by ordered_at desc, observed_at desc, record_hash desc nulls first, town_id desc
        ) as versions_back,
        row_number() over (
            partition by beads_project_id, source, table_name, row_key, change
            order by ordered_at desc, observed_at desc, record_hash desc nulls first, town_id desc
        ) as versions_back_of_change
    from versions

)

select
    {% for name in columns %}{{ name }},
    {% endfor %}
    change = 'upsert' and previous_hash is not null and previous_hash = record_hash as is_repeat,
    change = 'upsert' and versions_back = 1 as is_current,
    change = 'upsert' and versions_back_of_change = 1 as is_last_known,
    bead_created_at,
    valid_from,
    lead(valid_from) over (
        partition by beads_project_id, source, table_name, row_key
        order by ordered_at, observed_at, record_hash nulls last, town_id
    ) as valid_to
from bounded
