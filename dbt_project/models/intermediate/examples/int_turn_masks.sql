{{ config(
    incremental=true,
    unique_key=['turn_key'],
    touched_key=['session_key'],
    touched_sql="{{ touched_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at'],
    tags=['scope:shard'],
) }}

with other_rule as (

    select
        in_text,
        in_arguments
    from {{ ref('surrogate_rules') }}
    where rule = 'other'

),

spans as (

    select
        spans.session_key,
        spans.record_key,
        spans.block_index,
        spans.first_character,
        spans.after_character,
        spans.is_in_arguments and coalesce(rules.in_arguments, other_rule.in_arguments) = 'turn_off' as is_in_arguments,
        spans.json_path like '%.thinking' as is_in_thinking,
        not spans.is_in_arguments and not spans.json_path like '%.thinking'
        and coalesce(rules.in_text, other_rule.in_text) = 'mask' as is_in_text
    from {{ touched_part(ref('int_surrogate_spans')) }} as spans
    left join {{ ref('surrogate_rules') }} as rules on spans.rule = rules.rule
    cross join other_rule
    where {{ of_touched_sessions('spans') }}

),

messages as (

    select
        session_key,
        session_started_on,
        session_started_at,
        message_number,
        record_key,
        coalesce(response_key, message_key) as turn_key
    from {{ touched_part(ref('int_messages')) }}
    where role = 'assistant' and {{ of_touched_sessions() }}

),

masked_turns as (

    select
        messages.turn_key,
        messages.session_key,
        messages.session_started_on,
        messages.session_started_at,
        max(case when spans.is_in_arguments then 1 else 0 end) = 1 as is_in_arguments,
        max(case when spans.is_in_thinking then 1 else 0 end) = 1 as is_in_thinking,
        max(case when spans.is_in_text then 1 else 0 end) = 1 as is_in_text
    from messages
    inner join spans on messages.session_key = spans.session_key and messages.record_key = spans.record_key
    group by messages.turn_key, messages.session_key, messages.session_started_on, messages.session_started_at

),

-- A turn's text is its blocks' texts with a line's end between them.
texts as (

    select
        messages.session_key,
        messages.turn_key,
        messages.record_key,
        blocks.block_index,
        replace(replace(replace(blocks.text, chr(9), ' '), chr(10), ' '), chr(13), ' ') as text,
        cast(length(blocks.text) as bigint) as text_length,
        cast(sum(length(blocks.text) + 1) over (
            partition by messages.turn_key order by messages.message_number, blocks.block_index
            rows between unbounded preceding and current row
        ) as bigint) - cast(length(blocks.text) as bigint) - 1 as begins_at
    from messages
    inner join masked_turns on messages.turn_key = masked_turns.turn_key
    inner join {{ touched_part(ref('stg_claude__content_blocks')) }} as blocks on messages.record_key = blocks.record_key
    where masked_turns.is_in_text and blocks.block_type = 'text' and blocks.text <> '' and {{ of_touched_sessions('blocks') }}

),

-- The whole word is masked and the space before it: tokens begin with it, and none may be half a surrogate.
words as (

    select
        texts.turn_key,
        texts.begins_at + greatest(
            spans.first_character
            - cast(length(split_part(reverse(substr(texts.text, 1, spans.first_character)), ' ', 1)) as bigint) - 1, 0
        ) as first_character,
        texts.begins_at + spans.after_character
        + cast(length(split_part(substr(texts.text, spans.after_character + 1), ' ', 1)) as bigint) as after_character
    from texts
    inner join spans
        on texts.session_key = spans.session_key and texts.record_key = spans.record_key and texts.block_index = spans.block_index
    where spans.is_in_text

),

joined as (

    select
        *,
        case
            when
                first_character <= max(after_character) over (
                    partition by turn_key order by first_character, after_character
                    rows between unbounded preceding and 1 preceding
                )
                then 0
            else 1
        end as is_new
    from words

),

islands as (

    select
        *,
        cast(sum(is_new) over (
            partition by turn_key order by first_character, after_character rows between unbounded preceding and current row
        ) as bigint) as island
    from joined

),

masks as (

    select
        turn_key,
        min(first_character) as first_character,
        max(after_character) as after_character
    from islands
    group by turn_key, island

),

lengths as (

    select
        turn_key,
        max(begins_at + text_length) as text_length
    from texts
    group by turn_key

),

-- What is trained lies before each mask, and after the last.
pieces as (

    select
        turn_key,
        coalesce(lag(after_character) over (partition by turn_key order by first_character), 0) as first_character,
        first_character as after_character,
        true as is_trained
    from masks
    union all
    select
        turn_key,
        first_character,
        after_character,
        false as is_trained
    from masks
    union all
    select
        lengths.turn_key,
        max(masks.after_character) as first_character,
        lengths.text_length as after_character,
        true as is_trained
    from lengths
    inner join masks on lengths.turn_key = masks.turn_key
    group by lengths.turn_key, lengths.text_length

),

details as (

    select
        turn_key,
        max(case when is_trained then 1 else 0 end) = 1 as has_trained_text,
        {{ list_as_json(joined_text(
            object_as_json([
                ('begin_offset', 'cast(first_character as varchar)'),
                ('end_offset', 'cast(after_character - 1 as varchar)'),
                ('train', boolean_as_json('is_trained')),
            ]),
            ',',
            'first_character'
        )) }} as train_detail
    from pieces
    where first_character < after_character
    group by turn_key

)

select
    masked_turns.turn_key,
    masked_turns.session_key,
    masked_turns.session_started_on,
    masked_turns.session_started_at,
    masked_turns.is_in_arguments,
    masked_turns.is_in_thinking,
    coalesce(details.has_trained_text, true) as has_trained_text,
    details.train_detail
from masked_turns
left join details on masked_turns.turn_key = details.turn_key
