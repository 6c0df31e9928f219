{{ config(
    incremental=true,
    unique_key=['session_key', 'message_number'],
    touched_key=['session_key'],
    touched_sql="{{ episode_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'message_number'],
    statistics=['session_key', 'session_started_on', 'session_started_at'],
    rows_per_file=4000,
    tags=['scope:shard'],
) }}

with sessions as (

    select
        session_key,
        coalesce(role, 'unknown') as agent_role,
        fork_copy_message_count > 0 as is_resumed
    from {{ episode_part(ref('dim_sessions')) }}
    where {{ of_episode_sessions() }}

),

messages as (

    select
        session_key,
        session_started_on,
        session_started_at,
        message_key,
        message_number,
        role,
        origin,
        injection_kind,
        text_head,
        text_block_count,
        tool_call_count,
        is_api_error,
        recorded_at
    from {{ episode_part(ref('int_messages')) }}
    where agent_key = 'main' and is_on_live_path and not is_fork_copy and {{ of_episode_sessions() }}

),

commands as (

    select
        commands.session_key,
        commands.message_number,
        commands.command_number,
        commands.tool_call_key,
        commands.program,
        commands.verb,
        commands.branch,
        commands.reported_bead_id,
        verbs.effect,
        sessions.agent_role,
        verbs.effect = 'settles_merge_request'
        or (commands.verb = 'close' and commands.reason_argument like 'Merged%') as is_settling,
        verbs.effect = 'starts_cycle'
        or (commands.verb = 'activity emit' and commands.target = 'patrol_started')
        or (commands.verb = 'mol wisp' and commands.target like '%patrol%') as is_cycle_start
    from {{ episode_part(ref('int_town_commands')) }} as commands
    inner join sessions on commands.session_key = sessions.session_key
    left join {{ ref('town_command_verbs') }} as verbs
        on commands.program = verbs.program and commands.verb = verbs.verb
    where
        commands.agent_key = 'main'
        and commands.is_on_live_path
        and not commands.is_fork_copy
        and not commands.is_help
        and {{ of_episode_sessions('commands') }}

),

-- Calls that only look what there is to do are no work yet.
looking_calls as (

    select
        session_key,
        message_number,
        tool_call_key
    from commands
    group by session_key, message_number, tool_call_key
    having min(case when effect = 'orientation' then 1 else 0 end) = 1

),

looks as (

    select
        session_key,
        message_number,
        cast(count(*) as bigint) as look_count
    from looking_calls
    group by session_key, message_number

),

ends as (

    select
        session_key,
        message_number
    from {{ episode_part(ref('int_episode_ends')) }}
    where {{ of_episode_sessions() }}

),

named_branches as (

    select
        session_key,
        message_number,
        branch,
        lag(branch) over (partition by session_key order by message_number, command_number) as branch_before,
        settled_count,
        lag(settled_count) over (partition by session_key order by message_number, command_number) as settled_count_before
    from (
        select
            session_key,
            message_number,
            command_number,
            branch,
            cast(sum(case when is_settling then 1 else 0 end) over (
                partition by session_key order by message_number, command_number
                rows between unbounded preceding and current row
            ) as bigint) as settled_count
        from commands
        where agent_role = 'refinery' and (branch is not null or is_settling)
    ) as settlings
    where branch is not null

),

hooks as (

    select
        session_key,
        message_number,
        reported_bead_id,
        lag(reported_bead_id) over (partition by session_key order by message_number, command_number) as bead_before,
        lag(message_number) over (partition by session_key order by message_number, command_number) as number_before
    from commands
    where agent_role = 'polecat' and verb = 'hook' and reported_bead_id is not null

),

-- Agents that nobody prompts take the next piece of work themselves.
own_starts as (

    select
        session_key,
        message_number,
        max(start_kind) as start_kind
    from (
        select
            session_key,
            message_number,
            'cycle' as start_kind
        from commands
        where is_cycle_start and agent_role in ('witness', 'refinery', 'deacon', 'boot')
        union all
        select
            session_key,
            message_number,
            'merge_request' as start_kind
        from named_branches
        where branch <> branch_before and settled_count > settled_count_before
        union all
        select
            hooks.session_key,
            hooks.message_number,
            'assignment' as start_kind
        from hooks
        inner join ends on hooks.session_key = ends.session_key
        where
            hooks.reported_bead_id <> hooks.bead_before
            and ends.message_number between hooks.number_before and hooks.message_number
    ) as found_starts
    group by session_key, message_number

),

states as (

    select
        messages.*,
        sessions.agent_role,
        sessions.is_resumed,
        own_starts.start_kind as own_start_kind,
        row_number() over (partition by messages.session_key order by messages.message_number) as position,
        lead(messages.injection_kind) over (partition by messages.session_key order by messages.message_number)
            as injection_kind_after,
        coalesce(max(case
            when messages.role = 'assistant' and messages.tool_call_count = 0 and messages.text_block_count > 0
                and not messages.is_api_error then messages.message_number
        end) over before, 0) as last_said,
        coalesce(max(case
            when messages.tool_call_count > 0 or messages.origin = 'tool_result' or messages.injection_kind = 'interruption'
                then messages.message_number
        end) over before, 0) as last_busy,
        coalesce(max(ends.message_number) over before, 0) as last_ended,
        cast(coalesce(sum(case when messages.role = 'assistant' then 1 else 0 end) over before, 0) as bigint) as answer_count,
        cast(coalesce(sum(messages.tool_call_count - coalesce(looks.look_count, 0)) over before, 0) as bigint) as work_count
    from messages
    inner join sessions on messages.session_key = sessions.session_key
    left join own_starts
        on messages.session_key = own_starts.session_key and messages.message_number = own_starts.message_number
    left join looks on messages.session_key = looks.session_key and messages.message_number = looks.message_number
    left join ends on messages.session_key = ends.session_key and messages.message_number = ends.message_number
    window before as (
        partition by messages.session_key order by messages.message_number rows between unbounded preceding and 1 preceding
    )

),

prompts as (

    select
        session_key,
        message_number,
        agent_role,
        text_head,
        case
            when injection_kind = 'nudge' then 'nudge'
            when origin = 'human' then 'human'
            else 'injected'
        end as source
    from states
    where origin = 'human' or injection_kind in ('nudge', 'mail', 'reminder', 'hook')

),

meanings as (

    select
        prompts.session_key,
        prompts.message_number,
        max(case when patterns.prompt = 'assignment' then 1 else 0 end) as is_assignment,
        max(case when patterns.prompt = 'rework' then 1 else 0 end) as is_rework,
        max(case when patterns.prompt = 'merge_request' then 1 else 0 end) as is_merge_request,
        max(case when patterns.prompt = 'cycle' then 1 else 0 end) as is_cycle,
        max(case when patterns.prompt = 'mail' then 1 else 0 end) as is_mail,
        max(case when patterns.prompt = 'reply' then 1 else 0 end) as is_reply,
        max(case when patterns.prompt = 'question' then 1 else 0 end) as is_question
    from prompts
    inner join {{ ref('episode_prompts') }} as patterns
        on
            prompts.source = patterns.source
            and patterns.role in ('*', prompts.agent_role)
            and {{ regex_matches_value('prompts.text_head', 'patterns.pattern') }}
    group by prompts.session_key, prompts.message_number

),

prompted as (

    select
        states.*,
        coalesce(meanings.is_assignment, 0) = 1 as is_assignment,
        coalesce(meanings.is_rework, 0) = 1 as is_rework,
        coalesce(meanings.is_merge_request, 0) = 1 as is_merge_request,
        coalesce(meanings.is_cycle, 0) = 1 as is_cycle,
        coalesce(meanings.is_mail, 0) = 1 or states.injection_kind = 'mail' as is_mail,
        coalesce(meanings.is_reply, 0) = 1 as is_reply,
        coalesce(meanings.is_question, 0) = 1 as is_question,
        -- The agent had nothing left to do: it had not begun, it had handed in, or its last word was an answer.
        states.last_busy = 0 or states.last_busy = states.last_ended or states.last_said > states.last_busy as is_idle,
        states.last_ended > 0 and states.last_busy = states.last_ended as is_over
    from states
    left join meanings on states.session_key = meanings.session_key and states.message_number = meanings.message_number

),

considered as (

    select
        *,
        case
            when injection_kind = 'beacon' then 'startup'
            when position = 1 and injection_kind = 'command' and agent_role in ('mayor', 'crew', 'unknown') then 'command'
            when position = 1 and origin <> 'human' then 'startup'
            -- Whoever starts a patrol or a polecat by hand only stands in for the beacon.
            when
                origin = 'human'
                and answer_count = 0
                and not is_resumed
                and agent_role not in ('mayor', 'crew', 'unknown')
                then 'startup'
            when position = 1 then 'human'
            when own_start_kind is not null then own_start_kind
            when is_merge_request then 'merge_request'
            when is_assignment then 'assignment'
            when is_cycle then 'cycle'
            when not is_idle then null
            when is_rework then 'assignment'
            when injection_kind = 'nudge' then 'nudge'
            -- A polecat has one assignment until it hands it in, whoever talks to it.
            when agent_role = 'polecat' and not is_over then null
            when origin = 'human' and not is_reply then 'human'
            when is_mail then 'mail'
            when injection_kind = 'command' and coalesce(injection_kind_after, '') not in ('command', 'command_output')
                then 'command'
        end as start_kind
    from prompted

),

starts as (

    select
        *,
        lag(start_kind) over (partition by session_key order by message_number) as kind_before,
        lag(answer_count) over (partition by session_key order by message_number) as answer_count_before,
        lag(work_count) over (partition by session_key order by message_number) as work_count_before
    from considered
    where start_kind is not null

),

decided as (

    select
        *,
        -- Two prompts without work between them begin one episode; so does a prompt and what the agent makes of it.
        kind_before is null
        or not (
            answer_count = answer_count_before
            or (work_count = work_count_before and (kind_before = 'startup' or own_start_kind is not null))
        ) as is_start
    from starts

)

select
    session_key,
    session_started_on,
    session_started_at,
    message_number,
    message_key,
    cast(sum(case when is_start then 1 else 0 end) over (
        partition by session_key order by message_number rows between unbounded preceding and current row
    ) as bigint) as episode_number,
    agent_role,
    start_kind,
    is_start,
    is_question and start_kind = 'human' as is_question,
    recorded_at
from decided
