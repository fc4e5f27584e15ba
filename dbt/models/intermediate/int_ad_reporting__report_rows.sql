{{ config(materialized='ephemeral') }}
{#- The rows of all reports, with common names. -#}
{%- set reports = [] -%}
{%- if var('adsterra_enabled', true) -%}
    {%- do reports.extend([
        ('stats', ref('stg_adsterra__stats'), 'revenue'),
        ('stats_by_country', ref('stg_adsterra__stats_by_country'), 'revenue'),
        ('stats_by_sub_id', ref('stg_adsterra__stats_by_sub_id'), 'revenue'),
    ]) -%}
{%- endif -%}
{%- if var('adcloud_enabled', true) -%}
    {%- do reports.append(('advertiser_report', ref('stg_adcloud__advertiser_report'), 'costs')) -%}
{%- endif -%}
{%- for report, rows, amount in reports %}
select
    cast('{{ report }}' as {{ dbt.type_string() }}) as report,
    date,
    currency,
    extracted_at,
    read_at,
    impressions,
    clicks,
    {{ amount }} as amount
from {{ rows }}
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
