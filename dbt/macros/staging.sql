{# A report of Adsterra with its dimensions, of which some are ids. #}
{% macro adsterra_report(stream, dimensions) %}
with source as (
    {{ source_table(
        'adsterra',
        stream,
        ['date'] + dimensions + ['impression', 'clicks', 'revenue', 'db_last_update_time', 'extracted_at']
    ) }}
)

select
    cast(date as date) as date,
    {%- for dimension in dimensions %}
    {%- if dimension in ('domain', 'placement') %}
    {{ id_key(dimension) }} as {{ dimension }}_id,
    {%- else %}
    {{ text_key(dimension) }} as {{ dimension }},
    {%- endif %}
    {%- endfor %}
    cast('USD' as {{ dbt.type_string() }}) as currency,
    {{ whole('impression') }} as impressions,
    {{ whole('clicks') }} as clicks,
    {{ exact('revenue') }} as revenue,
    {#- Rows without it are older than all others: a version of the tap without that field has read them. #}
    coalesce(extracted_at, '') as extracted_at,
    coalesce(extracted_at, cast(db_last_update_time as {{ dbt.type_string() }})) as read_at
from source
{% endmacro %}


{# The control totals of a network; both networks may have them in one table. #}
{% macro control_totals(network, condition) %}
with source as (
    {{ source_table(
        network,
        'control_totals',
        [
            'report',
            'date',
            'currency',
            'extracted_at',
            'row_count',
            'currency_count',
            'impressions',
            'clicks',
            'amount',
            'complete',
        ]
    ) }}
)

{#- A target that only adds rows may hold them twice. #}
select distinct
    report,
    cast(date as date) as date,
    currency,
    extracted_at,
    {{ utc_time('extracted_at') }} as read_at,
    {{ whole('row_count') }} as row_count,
    {{ whole('currency_count') }} as currency_count,
    {{ whole('impressions') }} as impressions,
    {{ whole('clicks') }} as clicks,
    {{ exact('amount') }} as amount,
    cast(complete as boolean) as complete
from source
where {{ condition }}
{% endmacro %}
