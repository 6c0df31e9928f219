{{ config(
    incremental=true,
    unique_key=['episode_key', 'bridge', 'named_by', 'name'],
    touched_key=['session_key'],
    touched_sql="select session_key from {{ touched(ref('fct_episodes')) }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'episode_key', 'session_started_at'],
    rows_per_file=2500,
    tags=['scope:shard']
) }}

{% set touched_sessions = 'select session_key from ' ~ touched(ref('fct_episodes'))
    ~ ' union select session_key from ' ~ touched(ref('int_town_commands')) %}
-- What the command's parts are called in int_town_commands, and what kind of name they hold.
{% set parts = {
    'bead': ['bead_id', 'bead'],
    'reported_bead': ['reported_bead_id', 'bead'],
    'merge_request': ['merge_request_id', 'merge_request'],
    'branch': ['branch', 'branch'],
    'commit': ['commit_sha', 'commit'],
} %}
-- Folders of a path that may be a bead's worktree.
{% set folder_depth = 6 %}
-- What gives work to the agent; other nudges only tell it something.
{% set assigning = '(on your hook|^([[]from [^]]+[]] )?(MERGE_READY|FIX_NEEDED|REWORK_REQUEST))' %}
{% set id_in_text = "'[A-Za-z][A-Za-z0-9_]*(-[A-Za-z0-9_]+)+([.][0-9]+)*'" %}

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
        episodes.first_message_number,
        episodes.last_message_number,
        episodes.git_branch,
        episodes.started_at
    from {{ part_of(ref('fct_episodes'), touched_sessions) }} as episodes
    {% if is_incremental() %}
    where episodes.session_key in (select session_key from touched_sessions)
    {% endif %}

),

messages as (

    select
        episodes.episode_key,
        messages.message_number,
        messages.record_key,
        messages.role,
        messages.origin,
        messages.injection_kind,
        messages.root_path,
        messages.text_head,
        messages.recorded_at,
        cast(sum(case when messages.role = 'assistant' then 1 else 0 end) over (
            partition by episodes.episode_key
            order by messages.message_number
            rows between unbounded preceding and current row
        ) as bigint) as answer_count
    from {{ part_of(ref('int_messages'), touched_sessions) }} as messages
    inner join episodes
        on
            messages.session_key = episodes.session_key
            and messages.message_number between episodes.first_message_number and episodes.last_message_number
    where messages.is_on_live_path and not messages.is_fork_copy

),

branches as (

    select
        episode_key,
        'branch' as bridge,
        'bead' as named_by,
        {{ branch_bead('git_branch') }} as name,
        'episode' as evidence_kind,
        episode_key as evidence_key,
        started_at as named_at
    from episodes
    union all
    select
        episode_key,
        'branch_name' as bridge,
        'bead' as named_by,
        {{ regex_group('git_branch', '([^/]+)$', 1) }} as name,
        'episode' as evidence_kind,
        episode_key as evidence_key,
        started_at as named_at
    from episodes
    where git_branch not like 'polecat/%'
    union all
    select
        episode_key,
        'merge_request' as bridge,
        'branch' as named_by,
        git_branch as name,
        'episode' as evidence_kind,
        episode_key as evidence_key,
        started_at as named_at
    from episodes
    where git_branch like 'polecat/%'

),

places as (

    select
        episode_key,
        root_path,
        min(record_key) as record_key,
        min(recorded_at) as recorded_at
    from messages
    where root_path is not null
    group by episode_key, root_path

),

folders as (

    {% for depth in range(1, folder_depth + 1) -%}
    {% if not loop.first %}union all
    {% endif -%}
    select
        episode_key,
        'folder' as bridge,
        'bead' as named_by,
        split_part(root_path, '/', {{ depth }}) as name,
        'record' as evidence_kind,
        record_key as evidence_key,
        recorded_at as named_at
    from places
    {% endfor %}

),

-- What was said to the agent before it did anything.
openings as (

    select
        episode_key,
        record_key,
        recorded_at,
        case
            when {{ regex_matches('text_head', assigning) }} then 'assignment'
            when origin = 'human' then 'request'
            else 'nudge'
        end as bridge,
        text_head,
        {{ all_matches('text_head', id_in_text) }} as names
    from messages
    where
        role = 'user'
        and origin in ('human', 'injected')
        and answer_count = 0
        and coalesce(injection_kind, 'human') in ('human', 'beacon', 'nudge')

),

named_openings as (

    {{ unnest_indexed('openings', 'names', ['episode_key', 'record_key', 'recorded_at', 'bridge']) }}

),

beacons as (

    select
        messages.episode_key,
        'beacon' as bridge,
        'molecule' as named_by,
        beacons.molecule_id as name,
        'record' as evidence_kind,
        beacons.record_key as evidence_key,
        beacons.recorded_at as named_at
    from {{ part_of(ref('int_session_beacons'), touched_sessions) }} as beacons
    inner join messages on beacons.record_key = messages.record_key
    where beacons.molecule_id is not null and not beacons.is_fork_copy

),

commands as (

    select
        episodes.episode_key,
        commands.tool_call_key,
        commands.program,
        commands.verb,
        commands.status_argument,
        commands.bead_id,
        {{ all_matches('commands.further_bead_ids', "'[^ ]+'") }} as further_bead_ids,
        commands.reported_bead_id,
        commands.merge_request_id,
        commands.branch,
        commands.commit_sha,
        commands.called_at
    from {{ part_of(ref('int_town_commands'), touched_sessions) }} as commands
    inner join episodes
        on
            commands.session_key = episodes.session_key
            and commands.message_number between episodes.first_message_number and episodes.last_message_number
    -- A command that failed or that was refused did nothing.
    where
        commands.is_on_live_path
        and not commands.is_fork_copy
        and not coalesce(commands.is_error, false)
        and not commands.is_refused
        and not commands.is_help

),

further_beads as (

    {{ unnest_indexed('commands', 'further_bead_ids', [
        'episode_key', 'tool_call_key', 'program', 'verb', 'status_argument', 'called_at'
    ]) }}

),

command_parts as (

    {% for part, names in parts.items() -%}
    select
        episode_key,
        tool_call_key,
        program,
        verb,
        status_argument,
        '{{ part }}' as part,
        '{{ names[1] }}' as named_by,
        -- git shortens commits to seven digits or more.
        {{ 'left(commit_sha, 7)' if part == 'commit' else names[0] }} as name,
        called_at
    from commands
    where {{ names[0] }} is not null
    union all
    {% endfor -%}
    select
        episode_key,
        tool_call_key,
        program,
        verb,
        status_argument,
        'bead' as part,
        'bead' as named_by,
        element as name,
        called_at
    from further_beads

),

ruled as (

    select
        command_parts.*,
        rules.bridge,
        row_number() over (
            partition by
                command_parts.episode_key, command_parts.tool_call_key, command_parts.program, command_parts.verb,
                command_parts.status_argument, command_parts.part, command_parts.name
            order by nullif(rules.status, '') nulls last
        ) as rule_number
    from command_parts
    inner join {{ ref('link_commands') }} as rules
        on
            command_parts.program = rules.program
            and command_parts.verb = rules.verb
            and command_parts.part = rules.part
            and coalesce(command_parts.status_argument, '')
            = coalesce(nullif(rules.status, ''), command_parts.status_argument, '')

),

mentions as (

    select episode_key, bridge, named_by, name, evidence_kind, evidence_key, named_at from branches
    union all
    select episode_key, bridge, named_by, name, evidence_kind, evidence_key, named_at from folders
    union all
    select episode_key, bridge, named_by, name, evidence_kind, evidence_key, named_at from beacons
    union all
    select
        episode_key,
        bridge,
        'bead' as named_by,
        element as name,
        'record' as evidence_kind,
        record_key as evidence_key,
        recorded_at as named_at
    from named_openings
    union all
    select
        episode_key,
        bridge,
        named_by,
        name,
        'tool_call' as evidence_kind,
        tool_call_key as evidence_key,
        called_at as named_at
    from ruled
    where rule_number = 1

),

numbered as (

    select
        *,
        row_number() over (
            partition by episode_key, bridge, named_by, name
            order by named_at nulls last, evidence_key
        ) as mention_number,
        cast(count(*) over (partition by episode_key, bridge, named_by, name) as bigint) as mention_count
    from mentions
    -- An id has a hyphen; a commit and a branch need none.
    where name is not null and (named_by <> 'bead' or {{ regex_matches('name', bead_shape()) }})

)

select
    numbered.episode_key,
    episodes.session_key,
    episodes.session_started_at,
    numbered.bridge,
    numbered.named_by,
    numbered.name,
    numbered.evidence_kind,
    numbered.evidence_key,
    numbered.mention_count,
    numbered.named_at
from numbered
inner join episodes on numbered.episode_key = episodes.episode_key
where numbered.mention_number = 1
