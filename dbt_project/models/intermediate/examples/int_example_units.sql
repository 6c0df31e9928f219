{{ config(
    incremental=true,
    unique_key=['example_key', 'unit_number'],
    touched_key=['session_key'],
    touched_sql="{{ example_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'conversation_key', 'context_segment', 'unit_number'],
    statistics=['session_key', 'example_key', 'conversation_key', 'session_started_on', 'session_started_at'],
    rows_per_file=8000,
    tags=['scope:shard'],
) }}

with candidates as (

    select
        episode_key,
        session_key
    from {{ example_part(ref('int_episode_candidates')) }}
    where is_candidate and {{ of_example_sessions() }}

),

units as (

    select
        turns.conversation_key,
        turns.episode_key,
        turns.session_key,
        turns.session_started_on,
        turns.session_started_at,
        turns.context_segment,
        turns.unit_number,
        max(case when turns.role = 'assistant' then turns.turn_key end) as turn_key,
        max(case when turns.is_target then 1 else 0 end) as target,
        cast(sum(case when turns.role = 'user' then turns.token_count else 0 end) as bigint) as told_tokens,
        cast(sum(case when turns.role = 'assistant' then turns.token_count else 0 end) as bigint) as said_tokens,
        cast(sum(turns.result_token_count) as bigint) as result_tokens,
        max(turns.system_token_count + turns.prompt_token_count) as first_tokens,
        max(turns.max_tokens) as max_tokens
    from {{ example_part(ref('int_conversation_turns')) }} as turns
    inner join candidates on turns.episode_key = candidates.episode_key
    where
        turns.dropped_reason is null and turns.unit_number is not null
        and {{ of_example_sessions('turns') }}
    group by
        turns.conversation_key,
        turns.episode_key,
        turns.session_key,
        turns.session_started_on,
        turns.session_started_at,
        turns.context_segment,
        turns.unit_number

),

sized as (

    select
        *,
        -- What the first unit was told stands before every window of its segment.
        case when unit_number > 1 and told_tokens > 0
                then told_tokens + cast({{ example_rule('message_tokens') }} as bigint)
            else 0
        end
        + said_tokens + result_tokens as unit_tokens,
        greatest(max_tokens - first_tokens, 0) as room
    from units
    where turn_key is not null

),

measured as (

    select
        *,
        cast(sum(unit_tokens) over (
            partition by conversation_key, context_segment order by unit_number rows between unbounded preceding and current row
        ) as bigint) - unit_tokens as tokens_before,
        cast(sum(unit_tokens) over (partition by conversation_key, context_segment) as bigint) <= room as is_whole,
        greatest(room * {{ example_rule('block_share') }}, 1) as block_tokens
    from sized

),

-- Targets lie in blocks that do not overlap: whole, or as many units as begin within a share of the room. A unit that is longer
-- than that is a block of its own, so that two shares always suffice.
alone as (

    select
        *,
        not is_whole and unit_tokens > block_tokens as is_alone,
        cast(sum(case when not is_whole and unit_tokens > block_tokens then 1 else 0 end) over (
            partition by conversation_key, context_segment order by unit_number rows between unbounded preceding and current row
        ) as bigint) as alone_number
    from measured

),

in_runs as (

    select
        *,
        floor((
            tokens_before - min(tokens_before) over (partition by conversation_key, context_segment, is_alone, alone_number)
        ) / block_tokens) as share_number
    from alone

),

grouped as (

    select
        *,
        min(unit_number) over (
            partition by
                conversation_key, context_segment, is_alone, alone_number, case when is_whole then 0 else share_number end
        ) as first_unit,
        -- What follows the last target teaches nothing.
        max(case when target = 1 then unit_number end) over (
            partition by
                conversation_key, context_segment, is_alone, alone_number, case when is_whole then 0 else share_number end
        ) as last_target
    from in_runs

),

blocks as (

    select
        conversation_key,
        context_segment,
        first_unit,
        max(case when unit_number = first_unit then turn_key end) as first_turn_key,
        max(last_target) as last_target,
        min(tokens_before) as tokens_before,
        cast(sum(case when unit_number <= last_target then unit_tokens else 0 end) as bigint) as target_tokens,
        max(case when unit_tokens > room then 1 else 0 end) as over_budget,
        max(room) as room
    from grouped
    group by conversation_key, context_segment, first_unit

),

numbered as (

    select
        *,
        {{ text_hash("concat(conversation_key, '|', first_turn_key)") }} as example_key,
        cast(row_number() over (partition by conversation_key order by context_segment, first_unit) as bigint) as example_number,
        case when over_budget = 1 then 'over_budget' when last_target is null then 'no_target' end as unusable_reason
    from blocks

)

select
    numbered.example_key,
    grouped.unit_number,
    grouped.turn_key,
    grouped.conversation_key,
    grouped.episode_key,
    grouped.session_key,
    grouped.session_started_on,
    grouped.session_started_at,
    numbered.example_number,
    grouped.context_segment,
    grouped.first_unit = numbered.first_unit as is_in_block,
    grouped.first_unit = numbered.first_unit and grouped.target = 1 as is_target,
    numbered.unusable_reason,
    grouped.unit_tokens as token_count,
    case when grouped.first_unit = numbered.first_unit and grouped.target = 1 then grouped.said_tokens else 0 end
        as target_token_count,
    grouped.first_tokens as first_token_count,
    grouped.max_tokens
from numbered
inner join grouped
    on
        numbered.conversation_key = grouped.conversation_key
        and numbered.context_segment = grouped.context_segment
        and grouped.unit_number <= coalesce(numbered.last_target, numbered.first_unit)
where
    grouped.first_unit = numbered.first_unit
    -- As much of what came before as fits.
    or (
        grouped.unit_number < numbered.first_unit
        and numbered.unusable_reason is null
        and numbered.tokens_before - grouped.tokens_before + numbered.target_tokens <= numbered.room
    )
