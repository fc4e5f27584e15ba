{# An exact decimal with nine places, of a number that a loader may have stored as floating point. #}
{% macro exact(expression) -%}
    cast({{ expression }} as {{ exact_type() }})
{%- endmacro %}


{% macro exact_type() -%}
    {{ return(adapter.dispatch('exact_type', 'ad_taps')()) }}
{%- endmacro %}


{% macro default__exact_type() -%}
    decimal(38, 9)
{%- endmacro %}


{# BigQuery's own name of the same type. #}
{% macro bigquery__exact_type() -%}
    numeric
{%- endmacro %}


{% macro whole(expression) -%}
    cast({{ expression }} as {{ dbt.type_bigint() }})
{%- endmacro %}


{% macro ratio(factor, numerator, denominator) -%}
    cast({{ factor }} * {{ numerator }} / nullif({{ denominator }}, 0) as {{ double_type() }})
{%- endmacro %}


{# 64 bits; what dbt calls a float has 32 in DuckDB. #}
{% macro double_type() -%}
    {{ return(adapter.dispatch('double_type', 'ad_taps')()) }}
{%- endmacro %}


{% macro default__double_type() -%}
    double precision
{%- endmacro %}


{% macro bigquery__double_type() -%}
    float64
{%- endmacro %}


{# A key is never null: the networks' own marks stand for what they do not name. #}
{% macro text_key(expression) -%}
    coalesce(nullif(cast({{ expression }} as {{ dbt.type_string() }}), ''), '-')
{%- endmacro %}


{% macro id_key(expression) -%}
    coalesce(cast({{ expression }} as {{ dbt.type_bigint() }}), 0)
{%- endmacro %}


{# Times are texts in UTC, such as 2024-05-01T12:00:00.000000Z. #}
{% macro utc_time(expression) -%}
    cast({{ expression }} as {{ dbt.type_timestamp() }})
{%- endmacro %}


{% macro day_of(time) -%}
    cast(left({{ time }}, 10) as date)
{%- endmacro %}
