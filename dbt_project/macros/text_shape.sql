{% macro text_shape(names, json_names=[]) %}
  {#- Shape for `json_to_struct` in which every field of `names` is text, as exports of different versions write one field in several
      types; those of `json_names` stay JSON text. -#}
  {%- set shape = {} -%}
  {%- for name in names -%}{%- do shape.update({name: 'VARCHAR'}) -%}{%- endfor -%}
  {%- for name in json_names -%}{%- do shape.update({name: 'JSON'}) -%}{%- endfor -%}
  {{ return(shape) }}
{% endmacro %}


{% macro has_zone(text) %}
  {#- Whether a time's text names an offset. Without one, or with the `Z` that exports put there, a time that was left to the
      database's default is in the zone of its server. -#}
  {{ regex_matches(text, '[+-][0-9][0-9]:[0-9][0-9]$') }}
{% endmacro %}
