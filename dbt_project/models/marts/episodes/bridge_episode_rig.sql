{{ config(
    incremental=true,
    unique_key=['episode_key', 'rig'],
    touched_key=['session_key'],
    touched_sql="{{ rig_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key', 'rig'],
    statistics=['session_key', 'episode_key', 'session_started_on', 'session_started_at'],
    rows_per_file=4000,
    tags=['scope:shard'],
) }}

with episodes as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        town_id,
        rig,
        first_message_number,
        last_message_number,
        first_message_key
    from {{ rig_part(ref('fct_episodes')) }}
    where town_id is not null and {{ of_rig_sessions() }}

),

commands as (

    select
        episodes.episode_key,
        episodes.town_id,
        commands.tool_call_key,
        commands.message_number,
        commands.bead_id,
        commands.reported_bead_id,
        commands.merge_request_id,
        commands.target,
        commands.rig,
        {{ all_matches('commands.further_bead_ids', "'[^ ]+'") }} as further_bead_ids
    from episodes
    inner join {{ rig_part(ref('int_town_commands')) }} as commands
        on
            episodes.session_key = commands.session_key
            and episodes.first_message_number <= commands.message_number
            and episodes.last_message_number >= commands.message_number
    where
        commands.agent_key = 'main'
        and commands.is_on_live_path
        and not commands.is_fork_copy
        and {{ of_rig_sessions('commands') }}

),

further_beads as (

    {{ unnest_indexed('commands', 'further_bead_ids', ['episode_key', 'town_id', 'tool_call_key', 'message_number']) }}

),

messages as (

    select
        episodes.episode_key,
        episodes.town_id,
        messages.message_key,
        messages.message_number,
        messages.origin,
        messages.injection_kind,
        messages.text_head,
        messages.root_path
    from episodes
    inner join {{ rig_part(ref('int_messages')) }} as messages
        on
            episodes.session_key = messages.session_key
            and episodes.first_message_number <= messages.message_number
            and episodes.last_message_number >= messages.message_number
    where
        messages.agent_key = 'main'
        and messages.is_on_live_path
        and not messages.is_fork_copy
        and {{ of_rig_sessions('messages') }}

),

bead_mentions as (

    select episode_key, town_id, bead_id, tool_call_key, message_number from commands where bead_id is not null
    union all
    select episode_key, town_id, reported_bead_id as bead_id, tool_call_key, message_number
    from commands where reported_bead_id is not null
    union all
    select episode_key, town_id, merge_request_id as bead_id, tool_call_key, message_number
    from commands where merge_request_id is not null
    union all
    select episode_key, town_id, element as bead_id, tool_call_key, message_number from further_beads

),

prefixed as (

    select
        bead_mentions.episode_key,
        bead_mentions.tool_call_key,
        bead_mentions.message_number,
        names.rig,
        row_number() over (
            partition by bead_mentions.episode_key, bead_mentions.tool_call_key, bead_mentions.bead_id
            order by cast(length(names.name) as bigint) desc
        ) as prefix_rank
    from bead_mentions
    inner join {{ ref('int_rig_names') }} as names
        on bead_mentions.town_id = names.town_id and bead_mentions.bead_id like concat(names.name, '-%')
    where names.name_kind = 'prefix'

),

-- Texts that may begin with a rig's name: addresses, folders, the argument of --rig.
named as (

    select
        episode_key,
        town_id,
        'command' as rig_source,
        split_part(target, '/', 1) as name,
        tool_call_key as evidence_key,
        message_number
    from commands
    where target is not null
    union all
    select
        episode_key,
        town_id,
        'command' as rig_source,
        rig as name,
        tool_call_key as evidence_key,
        message_number
    from commands
    where rig is not null
    union all
    select
        episode_key,
        town_id,
        'sender' as rig_source,
        {{ regex_group('text_head', 'from ([A-Za-z0-9_.-]+)/', 1) }} as name,
        message_key as evidence_key,
        message_number
    from messages
    where injection_kind in ('nudge', 'mail', 'reminder', 'hook')
    union all
    select
        episode_key,
        town_id,
        'folder' as rig_source,
        split_part(root_path, '/', 1) as name,
        message_key as evidence_key,
        message_number
    from messages
    where root_path is not null

),

mentions as (

    select
        episode_key,
        rig,
        'own' as rig_source,
        first_message_key as evidence_key,
        first_message_number as message_number
    from episodes
    where rig is not null
    union all
    select
        episode_key,
        rig,
        'bead' as rig_source,
        tool_call_key as evidence_key,
        message_number
    from prefixed
    where prefix_rank = 1
    union all
    select
        named.episode_key,
        names.rig,
        named.rig_source,
        named.evidence_key,
        named.message_number
    from named
    inner join {{ ref('int_rig_names') }} as names
        on named.town_id = names.town_id and named.name = names.name
    where names.name_kind = 'rig'

),

ranked as (

    select
        *,
        cast(count(*) over (partition by episode_key, rig) as bigint) as mention_count,
        row_number() over (
            partition by episode_key, rig
            order by
                case rig_source when 'own' then 1 when 'bead' then 2 when 'command' then 3 when 'sender' then 4 else 5 end,
                message_number,
                evidence_key
        ) as mention_rank
    from mentions

)

select
    ranked.episode_key,
    ranked.rig,
    episodes.session_key,
    episodes.session_started_on,
    episodes.session_started_at,
    episodes.town_id,
    ranked.rig_source,
    ranked.evidence_key,
    ranked.mention_count
from ranked
inner join episodes on ranked.episode_key = episodes.episode_key
where ranked.mention_rank = 1
