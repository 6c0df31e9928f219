{# How a shell script is taken apart, and how `gt`, `bd` and `git` answer. Patterns must mean the same in RE2 and Java. #}

{% macro claude_shell_commands(blocks) -%}
select
    record_key,
    block_index,
    session_key,
    load_seq,
    placed_on,
    placed_at,
    {{ json_text('tool_input', '$.command') }} as shell_text
from {{ blocks }}
where block_type = 'tool_use' and lower(tool_name) in ('bash', 'shell')
{%- endmacro %}

{% macro claude_shell_commands_of(sessions_sql) -%}
  {#- What `stg_claude__shell_commands` holds; in an incremental build from the files that hold one of the sessions. -#}
  {%- set commands = ref('stg_claude__shell_commands') -%}
  {%- set blocks = ref('stg_claude__content_blocks') -%}
  {%- if is_incremental() -%}
    ({{ claude_shell_commands(part_of(blocks, sessions_sql)) }})
  {%- else -%}
    {{ commands }}
  {%- endif -%}
{%- endmacro %}

{% macro shell_pattern(template) -%}
  {#- A pattern as an SQL expression: ~q quote, ~d double quote, ~k backquote, ~b backslash, ~n line end, ~t tab. -#}
  replace(replace(replace(replace(replace(replace(
      '{{ template }}', '~q', chr(39)), '~d', chr(34)), '~k', chr(96)), '~b', chr(92)), '~n', chr(10)), '~t', chr(9)
  )
{%- endmacro %}

{% macro plain_script(text) -%}
  {#- A script without what confuses its reading: the shell it is wrapped in, escaped line ends, redirections that hold an ampersand. -#}
  {%- set wrapped = shell_pattern('^ *(bash|sh|zsh) +-l?c +[~q~d]((.|~n)*)[~q~d] *$') -%}
  replace(replace(replace(replace(
      coalesce(nullif(regexp_extract({{ text }}, {{ wrapped }}, 2), ''), {{ text }}),
      concat(chr(92), chr(10)), ' '), '2>&1', ' '), '>&2', ' '), '&>', ' >'
  )
{%- endmacro %}

{% macro shell_tokens(script) -%}
  {#- The script's words, separators and comments in order, as an array. Quoted pieces stay in their word, quotes included; a quote
      that is never closed is passed over. -#}
  {{ all_matches(script, shell_pattern(
      '#[^~n]*|[~n;&|()~k]+|'
      ~ '([^ ~t~n;&|()~q~d~k~b~b]|~q[^~q]*~q|~d([^~d~b~b]|~b~b[^~n]|~b~b~n)*~d|~b~b[^~n])+'
  )) }}
{%- endmacro %}

{% macro is_shell_separator(token) -%}
  {#- What ends a command: a line's end, ; & | and what opens or closes a group or a substitution. -#}
  ascii({{ token }}) in (10, 38, 40, 41, 59, 96, 124)
{%- endmacro %}

{% macro unquoted(word) -%}
  {#- A shell word's value: without the quotes around it or inside it. -#}
  case
      when left({{ word }}, 1) in (chr(34), chr(39)) and right({{ word }}, 1) = left({{ word }}, 1)
          then substr({{ word }}, 2, cast(length({{ word }}) as bigint) - 2)
      else replace(replace({{ word }}, chr(39), ''), chr(34), '')
  end
{%- endmacro %}

{% macro is_before_program(word) -%}
  {#- A word that may stand before a command's program: an assignment, a keyword, a wrapper, a wrapper's switch or duration. -#}
  (
      {{ regex_matches(word, '^([A-Za-z_][A-Za-z0-9_]*=|-|[0-9.]+[smhd]?$)') }}
      or {{ word }} in (
          '!', '{', '}', '$', 'if', 'then', 'elif', 'else', 'do', 'while', 'until', 'sudo', 'env', 'time', 'timeout', 'nohup', 'nice',
          'exec', 'command', 'builtin', 'xargs', 'stdbuf'
      )
  )
{%- endmacro %}

{% macro heredoc_word(line) -%}
  {#- The word that ends the here-document which begins in a line; null when none begins. -#}
  nullif(regexp_extract({{ line }}, {{ shell_pattern('(^|[^<])<<-? *[~q~d~b~b]?([A-Za-z_][A-Za-z0-9_]*)') }}, 2), '')
{%- endmacro %}

{% macro bead_shape() -%}
  {#- The shape of a bead id: prefix, hyphen, and more; children end in a dot and a number. -#}
  {{ return('^[A-Za-z][A-Za-z0-9_]*(-[A-Za-z0-9_]+)+([.][0-9]+)*$') }}
{%- endmacro %}

{% macro is_town_command_text(text) -%}
  {#- Cheap and never too strict: may the script hold a command of the town's? -#}
  {{ regex_matches(text, '(^|[^A-Za-z0-9_.-])(gt|bd|git)($|[^A-Za-z0-9_.-])') }}
{%- endmacro %}

{% macro command_answer(name) -%}
  {#- What the output says, as an SQL expression over `verb_text` (program and verb), `result_text` and `repetition`: the nth of a
      call's equal commands is given the nth answer. -#}
  {%- set answers = {
      'merge_request_id': [
          ('MR ID: *([A-Za-z0-9_.-]+)', ['gt done', 'gt mq submit']),
      ],
      'reported_bead_id': [
          ('Issue: *([A-Za-z0-9_.-]+)', ['gt done', 'gt mq submit', 'gt mq post-merge']),
          ('Hooked: *([A-Za-z0-9_.-]*[A-Za-z0-9])', ['gt hook']),
          ('Created issue: *([A-Za-z0-9_.-]+)', ['bd create']),
          ('Created convoy:? *([A-Za-z0-9_.-]+)', ['gt convoy create']),
          ('Escalation sent: *([A-Za-z0-9_.-]+)', ['gt escalate']),
      ],
      'branch': [
          ('(Branch|Source): *([A-Za-z0-9_./@-]+)', ['gt done', 'gt mq submit']),
      ],
      'commit_sha': [
          ('[[][^]]* ([0-9a-f]{7,40})[]]', ['git commit']),
          ('[0-9a-f]{7,40}[.][.][.]?([0-9a-f]{7,40}) ', ['git push']),
          ('Commit: *([0-9a-f]{7,40})', ['gt done', 'gt mq submit', 'gt mq post-merge']),
      ],
  } -%}
  case
      {%- for pattern, verbs in answers[name] %}
      when verb_text in ({% for verb in verbs %}'{{ verb }}'{{ ', ' if not loop.last }}{% endfor %})
          then nullif(
              regexp_extract(
                  {{ nth_text(all_matches('result_text', "'" ~ pattern ~ "'"), 'repetition') }},
                  '{{ pattern }}', {{ 2 if pattern.startswith('(') else 1 }}
              ), ''
          )
      {%- endfor %}
  end
{%- endmacro %}

{% macro is_refusal(verb_text, result_text) -%}
  {#- `gt done` says why it does nothing: uncommitted changes, no commits ahead, too far behind, on the default branch, no polecat. -#}
  ({{ verb_text }} = 'gt done' and {{ regex_matches(result_text, '(^|[^a-z])(cannot complete|not a polecat|no commits ahead)') }})
{%- endmacro %}
