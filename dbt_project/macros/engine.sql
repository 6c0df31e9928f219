{# What differs between SQL engines, and nothing else: DuckDB's spelling. Another engine needs this one file again. #}

{% macro json_texts(record, paths) %}
  {#- Many fields in one parse: an array of texts in the order of `paths` ('$.a.b'); take them apart with `nth_text`.
      Strings are decoded, everything else is JSON text, a missing field or JSON null is null. -#}
  json_extract_string({{ record }}, [
  {%- for path in paths %}'{{ path }}'{{ ', ' if not loop.last }}{% endfor -%}
  ])
{%- endmacro %}

{% macro json_to_struct(record, shape) %}
  {#- Many typed fields in one parse: a struct of `shape`, e.g. {'uuid': 'VARCHAR', 'message': {'id': 'VARCHAR', 'content': ['JSON']}}.
      Types: VARCHAR, BIGINT, DOUBLE, BOOLEAN, JSON (JSON text), [type] for arrays, a mapping for objects. What is missing or has
      another type in the record is null; VARCHAR takes anything (strings decoded, the rest as JSON text). -#}
  json_transform({{ record }}, '{{ tojson(shape) }}')
{%- endmacro %}

{% macro json_member_texts(record, names) %}
  {#- Members of the record itself, also those with dots in their names: an array of texts in the order of `names`. -#}
  json_extract_string({{ record }}, [
  {%- for name in names %}'$."{{ name }}"'{{ ', ' if not loop.last }}{% endfor -%}
  ])
{%- endmacro %}

{% macro nth_text(texts, number) %}
  {#- Element `number` (from 1) of what `json_texts` gave. -#}
  {{ texts }}[{{ number }}]
{%- endmacro %}

{% macro json_text(record, path) %}
  {#- One field as text: strings decoded, everything else as JSON text, null when missing. -#}
  json_extract_string({{ record }}, '{{ path }}')
{%- endmacro %}

{% macro json_type(record, path='$') %}
  {#- object, array, string, number, boolean, null; SQL null when the field is missing. -#}
  case json_type({{ record }}, '{{ path }}')
    when 'OBJECT' then 'object' when 'ARRAY' then 'array' when 'VARCHAR' then 'string' when 'BOOLEAN' then 'boolean'
    when 'NULL' then 'null' else case when json_type({{ record }}, '{{ path }}') is not null then 'number' end
  end
{%- endmacro %}

{% macro is_json(text) %}
  {#- Whether a text is valid JSON: ask before taking apart text that comes from inside a record. -#}
  json_valid({{ text }})
{%- endmacro %}

{% macro json_array(record, path='$') %}
  {#- The elements of a JSON array as an array of JSON texts; null when it is missing or no array. Unnest with `unnest_indexed`. -#}
  case when json_type({{ record }}, '{{ path }}') = 'ARRAY'
    then cast(json_extract({{ record }}, '{{ path }}[*]') as varchar[]) end
{%- endmacro %}

{% macro json_part(record, path) %}
  {#- One member as JSON text (strings keep their quotes); null when missing. -#}
  json_extract({{ record }}, '{{ path }}')
{%- endmacro %}

{% macro json_items(value) %}
  {#- The elements of a JSON array as an array of JSON texts; any other value is its own only element. -#}
  case when ascii({{ value }}) = 91 then cast(json_extract({{ value }}, '$[*]') as varchar[]) else [cast({{ value }} as varchar)] end
{%- endmacro %}

{% macro json_joined_texts(value) %}
  {#- A JSON string decoded; of an array of objects their `text` members, one per line; anything else as JSON text. -#}
  case ascii({{ value }})
    when 34 then json_extract_string({{ value }}, '$')
    when 91 then array_to_string(json_extract_string({{ value }}, '$[*].text'), chr(10))
    else cast({{ value }} as varchar)
  end
{%- endmacro %}

{% macro json_entries(record, path='$') %}
  {#- The members of a JSON object as an array of (key, value): key is text, value JSON text; null when it is missing or no object.
      Unnest with `unnest_indexed`. -#}
  case when json_type({{ record }}, '{{ path }}') = 'OBJECT'
    then map_entries(cast(json_extract({{ record }}, '{{ path }}') as map(varchar, varchar))) end
{%- endmacro %}

{% macro unnest_indexed(relation, array, columns) %}
  {#- One row per element of `array`: `columns` of the relation, `element_index` (from 0) and `element`. No row for null or empty. -#}
  select
    {% for column in columns %}{{ column }}, {% endfor -%}
    cast(unnest(range(len({{ array }}))) as bigint) as element_index,
    unnest({{ array }}) as element
  from {{ relation }}
{%- endmacro %}

{% macro array_of(value, order_by) %}
  {#- Aggregate: the non-null values of a group, in order, as an array; null when there is none. -#}
  list({{ value }} order by {{ order_by }}) filter (where {{ value }} is not null)
{%- endmacro %}

{% macro element_count(array) %}
  {#- Elements of an array. -#}
  cast(len({{ array }}) as bigint)
{%- endmacro %}

{% macro shared_element_count(left, right) %}
  {#- Distinct elements that two arrays share. -#}
  cast(len(list_intersect({{ left }}, {{ right }})) as bigint)
{%- endmacro %}

{% macro to_bigint(text) %}
  {#- Null when the text is no number; fractions are rounded. -#}
  try_cast({{ text }} as bigint)
{%- endmacro %}

{% macro to_double(text) %}
  try_cast({{ text }} as double)
{%- endmacro %}

{% macro to_boolean(text) %}
  case {{ text }} when 'true' then true when 'false' then false end
{%- endmacro %}

{% macro to_timestamp_utc(text) %}
  {#- ISO 8601 text as a time; null when it is none. Text without a zone is taken as UTC. -#}
  try_cast({{ text }} as timestamp with time zone)
{%- endmacro %}

{% macro text_hash(text) %}
  {#- md5 of the UTF-8 text, in hex. Never of re-serialised JSON. -#}
  md5({{ text }})
{%- endmacro %}

{% macro seconds_between(earlier, later) %}
  {#- Seconds as double, fractions kept. -#}
  (epoch_us({{ later }}) - epoch_us({{ earlier }})) / cast(1000000 as double)
{%- endmacro %}

{% macro text_as_json(text) %}
  {#- A text as a JSON string, with its quotes; null for null. -#}
  case when {{ text }} is not null then cast(to_json({{ text }}) as varchar) end
{%- endmacro %}

{% macro joined_text(value, separator, order_by) %}
  {#- Aggregate: the non-null texts of a group, in order. -#}
  string_agg({{ value }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}

{% macro regex_group(text, pattern, group=1) %}
  {#- The group of the first match; null when nothing matches. The pattern must mean the same in RE2 and Java:
      no look-around, no back references, [ ] classes instead of backslash ones. -#}
  case when regexp_matches({{ text }}, '{{ pattern }}') then regexp_extract({{ text }}, '{{ pattern }}', {{ group }}) end
{%- endmacro %}

{% macro regex_matches(text, pattern) %}
  regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro regex_matches_value(text, pattern) %}
  {#- As `regex_matches`, with a pattern that is a value, e.g. of a seed. For few rows: it is compiled for each. -#}
  regexp_matches({{ text }}, {{ pattern }})
{%- endmacro %}

{% macro all_matches(text, pattern) %}
  {#- Every match of a pattern, in order, as an array. `pattern` is an SQL expression, so that it may hold quotes: chr(39). -#}
  regexp_extract_all({{ text }}, {{ pattern }}, 0)
{%- endmacro %}

{% macro text_number(text) %}
  {#- A number from 0 to 2^60 - 1 that stands for a text: the first 15 digits of its md5. For indexes; collisions are rare, not impossible. -#}
  cast(concat('0x', substr(md5({{ text }}), 1, 15)) as bigint)
{%- endmacro %}

{% macro seconds_added(time, seconds) %}
  {#- The time so many whole seconds later; earlier when they are negative. -#}
  ({{ time }} + to_seconds(cast({{ seconds }} as bigint)))
{%- endmacro %}

{% macro days_between(earlier, later) %}
  {#- Days from one date to another. -#}
  date_diff('day', {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro unnest_days(relation, first, last, columns) %}
  {#- One row per day from `first` to `last` (dates): `columns` of the relation and `day`. -#}
  select
    {% for column in columns %}{{ column }}, {% endfor -%}
    cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date) as day
  from {{ relation }}
{%- endmacro %}
