{#
    Remove the days whose reading is not the one that counts any more: read again, taken back, or with other names.

    The model then adds the days that are not there. So a run that dies between the two is repaired by the next one.

    names: the columns that a list gives, as {column: (list, key)}.
    reported: those that fall back to the report's own names. Days keep them if the entry is removed from the list.
#}
{% macro remove_changed_days(report, names={}, reported=[]) %}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where reading not in (select reading from {{ ref('int_ad_reporting__days') }} where report = '{{ report }}')
        {%- for column, (list, key) in names.items() %}
            or reading in (
                select built.reading
                from {{ this }} as built
                left join {{ ref(list) }} as named on built.{{ key }} = named.{{ key }}
                where built.{{ column }} <> named.{{ column }}
                    or (built.{{ column }} is null and named.{{ column }} is not null)
                    {%- if column not in reported %}
                    or (built.{{ column }} is not null and named.{{ column }} is null)
                    {%- endif %}
            )
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{# A condition for the days that are not built yet; in a full refresh, all. #}
{% macro is_not_built(reading) -%}
    {#- Hooks that read a model do not make it one that has to be built before; this does. -#}
    {%- do ref('int_ad_reporting__days') -%}
    {%- if is_incremental() -%}
        {{ reading }} not in (select distinct reading from {{ this }})
    {%- else -%}
        1 = 1
    {%- endif -%}
{%- endmacro %}


{# Keeps of a report's rows those that count, of days that are not built yet. #}
{% macro join_days_to_build(report) -%}
    inner join {{ ref('int_ad_reporting__days') }} as days
        on report_rows.date = days.date
        and report_rows.extracted_at between days.first_extracted_at and days.last_extracted_at
    where days.report = '{{ report }}'
        and {{ is_not_built('days.reading') }}
{%- endmacro %}


{# What each row has of the reading of its day. #}
{% macro reading_columns(relation) -%}
    {{ relation }}.is_complete,
    {{ relation }}.is_proven,
    {{ relation }}.read_at,
    {{ relation }}.reading
{%- endmacro %}


{# The network of a report; own reports of Adsterra have any other name. #}
{% macro network(report) -%}
    case when {{ report }} = 'advertiser_report' then 'adcloud' else 'adsterra' end
{%- endmacro %}


{# The numbers from 0 to 9999: the days of 27 years. #}
{% macro numbers() %}
    select thousands.digit * 1000 + hundreds.digit * 100 + tens.digit * 10 + ones.digit as number
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds
    cross join digits as thousands
{% endmacro %}


{% macro digits() %}
    {%- for digit in range(10) %}
    select {{ digit }} as digit
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{% endmacro %}
