{# Adapters of ours at work. #}

{% macro adapter_of(model) -%}
  {#- The adapter in a model's name, or in a list of such names: whoever serves an adapter calls the model `…forge-<adapter id>`. -#}
  {{ regex_group(model, 'forge-([0-9a-f]{16})', 1) }}
{%- endmacro %}

{% macro wilson_bound(successes, trials, direction) -%}
  {#- A bound (direction -1 or 1) of the 95 % interval of a share: Wilson (1927), "Probable inference, the law of succession, and
      statistical inference", Journal of the American Statistical Association 22; z = 1.96. Null without trials. -#}
  case
    when {{ trials }} > 0 then (
      cast({{ successes }} as double) / {{ trials }} + 1.9208 / {{ trials }}
      + ({{ direction }}) * 1.96 * sqrt(
        cast({{ successes }} as double) / {{ trials }} * (1 - cast({{ successes }} as double) / {{ trials }}) / {{ trials }}
        + 0.9604 / (cast({{ trials }} as double) * {{ trials }})
      )
    ) / (1 + 3.8416 / {{ trials }})
  end
{%- endmacro %}
