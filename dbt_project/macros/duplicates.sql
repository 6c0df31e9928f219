{# What the models of duplicates share. #}

{% macro duplicate_rule(name) -%}
  {#- The number of a rule of the seed `duplicate_rules`. -#}
  (select max(value) from {{ ref('duplicate_rules') }} where rule = '{{ name }}')
{%- endmacro %}

{% macro conversation_pieces(sessions_sql, condition='true') -%}
  {#- CTEs up to `pieces`: the texts and calls a conversation is compared by, block by block. `conversations` holds the rows of
      `int_conversations` they are of. In an incremental build those of `sessions_sql`, a query of sessions; in a full build all.
      `condition` limits the conversations further. -#}
conversations as (

    select
        conversation_key,
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        agent_key,
        first_message_number,
        last_message_number
    from {{ part_of(ref('int_conversations'), sessions_sql) }}
    where {{ session_rows(sessions_sql) }} and {{ condition }}

),

said as (

    select
        conversations.conversation_key,
        messages.session_key,
        messages.record_key,
        messages.message_number,
        messages.role,
        coalesce(messages.response_key, messages.message_key) as turn_key
    from {{ part_of(ref('int_messages'), sessions_sql) }} as messages
    inner join conversations
        on
            messages.session_key = conversations.session_key
            and messages.agent_key = conversations.agent_key
            and messages.message_number >= conversations.first_message_number
            and messages.message_number <= conversations.last_message_number
    where
        messages.is_on_live_path
        and not messages.is_fork_copy
        and not messages.is_api_error
        and (messages.role = 'assistant' or messages.origin = 'human' or messages.injection_kind = 'agent_prompt')
        and {{ session_rows(sessions_sql, 'messages') }}

),

pieces as (

    select
        said.conversation_key,
        said.role,
        said.turn_key,
        said.message_number,
        blocks.block_index,
        case
            when blocks.block_type = 'text' then blocks.text
            else concat(coalesce(blocks.tool_name, ''), ' ', coalesce(blocks.tool_input, ''))
        end as piece
    from {{ part_of(ref('stg_claude__content_blocks'), sessions_sql) }} as blocks
    inner join said on blocks.session_key = said.session_key and blocks.record_key = said.record_key
    where
        (
            (blocks.block_type = 'text' and (said.role = 'assistant' or blocks.injection_kind is null))
            or (blocks.block_type = 'tool_use' and said.role = 'assistant')
        )
        and {{ session_rows(sessions_sql, 'blocks') }}

)
{%- endmacro %}

{% macro conversation_texts(sessions_sql, condition='true') -%}
  {#- `conversation_pieces`, `answers` (a row per turn that was typed or written, with its text) and `texts` (conversation_key, text,
      written_text: all of a conversation, and what its agent wrote). -#}
{{ conversation_pieces(sessions_sql, condition) }},

answers as (

    select
        conversation_key,
        role,
        turn_key,
        min(message_number) as place,
        {{ joined_text('piece', line_break(), 'message_number, block_index') }} as text
    from pieces
    group by conversation_key, role, turn_key

),

texts as (

    select
        conversation_key,
        {{ joined_text('text', line_break(), 'place') }} as text,
        {{ joined_text("case when role = 'assistant' then text end", line_break(), 'place') }} as written_text
    from answers
    group by conversation_key
    having max(case when role = 'assistant' then 1 else 0 end) = 1

)
{%- endmacro %}
