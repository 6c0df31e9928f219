{# The messages of examples as JSON texts, put together from blocks. #}

{% macro unit_messages(units, part, rows) -%}
  {#- CTEs up to `unit_messages`: one row per conversation, context segment and unit with what the agent was told (`told`), what it said
      and called (`said`, whose object is not closed: whether it is learned from depends on the example) and the results of its calls
      (`results`). `units`: a CTE of the units wanted; `part` and `rows`: macros that read a model of sessions and filter it. -#}
  turns as (

      select
          turns.conversation_key,
          turns.context_segment,
          turns.unit_number,
          turns.turn_key,
          turns.session_key,
          turns.role,
          turns.is_last,
          turns.turn_number
      from {{ part(ref('int_conversation_turns')) }} as turns
      where
          turns.dropped_reason is null and turns.unit_number is not null
          and turns.conversation_key in (select conversation_key from {{ units }}) and {{ rows('turns') }}

  ),

  messages as (

      select
          messages.record_key,
          messages.message_number,
          messages.injection_kind,
          coalesce(messages.response_key, messages.message_key) as turn_key
      from {{ part(ref('int_messages')) }} as messages
      where messages.is_on_live_path and {{ rows('messages') }}

  ),

  blocks as (

      select
          turns.conversation_key,
          turns.context_segment,
          turns.unit_number,
          turns.role,
          messages.message_number,
          blocks.block_index,
          blocks.block_type,
          {{ shown_text('blocks') }} as text,
          case
              when coalesce(blocks.injection_kind, messages.injection_kind) is null then true
              else coalesce(rules.is_kept, false) and not counted.is_role_prompt
          end as is_kept
      from turns
      inner join messages on turns.turn_key = messages.turn_key
      inner join {{ part(ref('stg_claude__content_blocks')) }} as blocks on messages.record_key = blocks.record_key
      inner join {{ part(ref('int_block_tokens')) }} as counted
          on blocks.record_key = counted.record_key and blocks.block_index = counted.block_index
      left join {{ ref('injection_rules') }} as rules
          on coalesce(blocks.injection_kind, messages.injection_kind) = rules.injection_kind
      where
          blocks.block_type in ('text', 'image', 'thinking') and (blocks.text <> '' or blocks.has_image)
          and {{ rows('blocks') }} and {{ rows('counted') }}

  ),

  texts as (

      select
          conversation_key,
          context_segment,
          unit_number,
          {{ joined_text(
              "case when role = 'user' and block_type <> 'thinking' and is_kept then text end", line_break(), 'message_number, block_index'
          ) }} as told,
          {{ joined_text(
              "case when role = 'assistant' and block_type <> 'thinking' then text end", line_break(), 'message_number, block_index'
          ) }} as said,
          {{ joined_text(
              "case when role = 'assistant' and block_type = 'thinking' then text end", line_break(), 'message_number, block_index'
          ) }} as thought
      from blocks
      group by conversation_key, context_segment, unit_number

  ),

  paired as (

      select
          turns.conversation_key,
          turns.context_segment,
          turns.unit_number,
          calls.message_number,
          calls.block_index,
          calls.tool_name,
          calls.has_result,
          -- Nine letters and digits: what the strictest chat template takes.
          left(calls.tool_call_key, 9) as call_id,
          called.tool_input,
          {{ shown_text('answered') }} as result
      from turns
      inner join {{ part(ref('int_tool_calls_paired')) }} as calls
          on turns.session_key = calls.session_key and turns.turn_key = coalesce(calls.response_key, calls.message_key)
      inner join {{ part(ref('stg_claude__content_blocks')) }} as called
          on calls.record_key = called.record_key and calls.block_index = called.block_index
      left join {{ part(ref('stg_claude__content_blocks')) }} as answered
          on calls.result_record_key = answered.record_key and calls.result_block_index = answered.block_index
      where
          turns.role = 'assistant' and calls.is_on_live_path and calls.tool_name is not null and (calls.has_result or turns.is_last)
          and {{ rows('calls') }} and {{ rows('called') }}

  ),

  called as (

      select
          conversation_key,
          context_segment,
          unit_number,
          {{ joined_text(
              object_as_json([
                  ('id', text_as_json('call_id')),
                  ('type', text_as_json("'function'")),
                  ('function', object_as_json([
                      ('name', text_as_json('tool_name')),
                      ('arguments', text_as_json("coalesce(tool_input, '{}')")),
                  ])),
              ]), ',', 'message_number, block_index'
          ) }} as calls,
          {{ joined_text(
              'case when has_result then ' ~ object_as_json([
                  ('role', text_as_json("'tool'")),
                  ('tool_call_id', text_as_json('call_id')),
                  ('name', text_as_json('tool_name')),
                  ('content', text_as_json("coalesce(result, '')")),
              ]) ~ ' end', ',', 'message_number, block_index'
          ) }} as results
      from paired
      group by conversation_key, context_segment, unit_number

  ),

  unit_messages as (

      select
          units.conversation_key,
          units.context_segment,
          units.unit_number,
          case when texts.told is not null then {{ object_as_json([
              ('role', text_as_json("'user'")),
              ('content', text_as_json('texts.told')),
          ]) }} end as told,
          concat_ws(
              ',',
              concat(chr(123), {{ member_as_json('role', text_as_json("'assistant'")) }}),
              {{ member_as_json('content', text_as_json("coalesce(texts.said, '')")) }},
              case when {{ example_rule('keeps_thinking') }} = 1
                  then {{ member_as_json('reasoning_content', text_as_json('texts.thought')) }} end,
              {{ member_as_json('tool_calls', "case when called.calls is not null then " ~ list_as_json('called.calls') ~ " end") }}
          ) as said,
          called.results
      from (select distinct conversation_key, context_segment, unit_number from turns) as units
      left join texts
          on
              units.conversation_key = texts.conversation_key
              and units.context_segment = texts.context_segment
              and units.unit_number = texts.unit_number
      left join called
          on
              units.conversation_key = called.conversation_key
              and units.context_segment = called.context_segment
              and units.unit_number = called.unit_number

  )
{%- endmacro %}

{% macro shown_text(block) -%}
  {#- What a block of text is in an example; a placeholder stands for an image. -#}
  concat_ws(chr(10), nullif({{ block }}.text, ''), case when {{ block }}.has_image then '[image]' end)
{%- endmacro %}
