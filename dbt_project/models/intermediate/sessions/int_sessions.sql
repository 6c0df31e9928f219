{{ config(
    incremental=true,
    unique_key=['session_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'last_recorded_at'],
    rows_per_file=500,
    tags=['scope:shard'],
) }}

with entries as (

    select
        session_key,
        record_key,
        entry_kind,
        file_id,
        file_kind,
        source,
        dropped_reason
    from {{ touched_part(ref('int_entries')) }}
    where {{ of_touched_sessions() }}

),

details as (

    select
        session_key,
        record_key,
        harness,
        town_id,
        session_id,
        source,
        agent_id,
        is_sidechain,
        model,
        version,
        git_branch,
        root_path,
        recorded_at
    from {{ claude_entries_of(touched_sessions_sql()) }}
    where {{ of_touched_sessions() }}

),

counts as (

    select
        session_key,
        cast(count(case when source = 'file' then 1 end) as bigint) as record_count,
        cast(count(case when dropped_reason is not null then 1 end) as bigint) as dropped_record_count,
        cast(count(case when dropped_reason is null then 1 end) as bigint) as kept_record_count,
        cast(count(distinct file_id) as bigint) as file_count,
        cast(count(distinct case when file_kind = 'main' then file_id end) as bigint) as main_file_count,
        cast(count(distinct case when file_kind = 'subagent' then file_id end) as bigint) as subagent_file_count
    from entries
    group by session_key

),

spans as (

    select
        session_key,
        min(harness) as harness,
        min(town_id) as town_id,
        min(session_id) as session_id,
        min(recorded_at) as first_recorded_at,
        max(recorded_at) as last_recorded_at
    from details
    group by session_key

),

paths as (

    select
        session_key,
        root_path,
        count(*) as record_count,
        min(recorded_at) as first_recorded_at
    from details
    where root_path is not null and source = 'file'
    group by session_key, root_path

),

ranked_paths as (

    select
        session_key,
        root_path,
        row_number() over (partition by session_key order by record_count desc, root_path) as modal_rank,
        row_number() over (partition by session_key order by first_recorded_at nulls last, root_path) as first_rank
    from paths

),

places as (

    select
        session_key,
        max(case when modal_rank = 1 then root_path end) as modal_root_path,
        max(case when first_rank = 1 then root_path end) as first_root_path,
        cast(count(*) as bigint) as root_path_count
    from ranked_paths
    group by session_key

),

models as (

    select session_key, {{ joined_text('model', ', ', 'model') }} as models
    from (select distinct session_key, model from details where model is not null) as distinct_models
    group by session_key

),

versions as (

    select session_key, {{ joined_text('version', ', ', 'version') }} as versions
    from (select distinct session_key, version from details where version is not null) as distinct_versions
    group by session_key

),

branches as (

    select session_key, {{ joined_text('git_branch', ', ', 'git_branch') }} as git_branches
    from (select distinct session_key, git_branch from details where git_branch <> '') as distinct_branches
    group by session_key

),

messages as (

    select
        session_key,
        cast(count(*) as bigint) as message_count,
        cast(count(case when agent_key = 'main' then 1 end) as bigint) as main_message_count,
        cast(count(case when role = 'assistant' then 1 end) as bigint) as assistant_message_count,
        cast(count(case when origin = 'human' then 1 end) as bigint) as human_message_count,
        cast(count(case when origin = 'injected' then 1 end) as bigint) as injected_message_count,
        cast(count(distinct case when agent_key <> 'main' then agent_key end) as bigint) as subagent_count,
        cast(sum(tool_call_count) as bigint) as tool_call_count,
        cast(sum(tool_error_count) as bigint) as tool_error_count,
        cast(count(case when is_compaction then 1 end) as bigint) as compaction_count,
        cast(count(case when is_fork_copy then 1 end) as bigint) as fork_copy_message_count
    from {{ touched_part(ref('int_messages')) }}
    where {{ of_touched_sessions() }}
    group by session_key

),

prompts as (

    select
        session_key,
        coalesce(injection_kind, origin) as prompt_kind,
        row_number() over (partition by session_key order by message_number) as prompt_rank
    from {{ touched_part(ref('int_messages')) }}
    where
        role = 'user'
        and agent_key = 'main'
        and origin in ('human', 'injected')
        and coalesce(injection_kind, '') not in ('hook', 'attachment', 'caveat', 'meta', 'reminder')
        and {{ of_touched_sessions() }}

)

select
    spans.session_key,
    spans.harness,
    spans.town_id,
    spans.session_id,
    families.family_key as fork_family_key,
    places.modal_root_path,
    places.first_root_path,
    coalesce(places.root_path_count, 0) as root_path_count,
    models.models,
    versions.versions,
    branches.git_branches,
    prompts.prompt_kind as first_prompt_kind,
    counts.record_count,
    counts.dropped_record_count,
    counts.file_count,
    counts.main_file_count,
    counts.subagent_file_count,
    coalesce(messages.message_count, 0) as message_count,
    coalesce(messages.main_message_count, 0) as main_message_count,
    coalesce(messages.assistant_message_count, 0) as assistant_message_count,
    coalesce(messages.human_message_count, 0) as human_message_count,
    coalesce(messages.injected_message_count, 0) as injected_message_count,
    coalesce(messages.subagent_count, 0) as subagent_count,
    coalesce(messages.tool_call_count, 0) as tool_call_count,
    coalesce(messages.tool_error_count, 0) as tool_error_count,
    coalesce(messages.compaction_count, 0) as compaction_count,
    coalesce(messages.fork_copy_message_count, 0) as fork_copy_message_count,
    counts.main_file_count = 0 as is_known_from_subagents_only,
    coalesce(messages.assistant_message_count, 0) > 0 as has_assistant,
    coalesce(families.originality_rank > 1, false) as is_fork,
    coalesce(cast(spans.first_recorded_at as date), cast('1970-01-01' as date)) as session_started_on,
    coalesce(spans.first_recorded_at, cast('1970-01-01 00:00:00+00' as timestamp with time zone)) as session_started_at,
    spans.first_recorded_at,
    spans.last_recorded_at
from spans
inner join counts on spans.session_key = counts.session_key
left join places on spans.session_key = places.session_key
left join models on spans.session_key = models.session_key
left join versions on spans.session_key = versions.session_key
left join branches on spans.session_key = branches.session_key
left join messages on spans.session_key = messages.session_key
left join prompts on spans.session_key = prompts.session_key and prompts.prompt_rank = 1
left join {{ ref('int_fork_families') }} as families on spans.session_key = families.session_key
where counts.kept_record_count > 0
