{{ config(materialized='view') }}
{#- Earned and spent, by network and currency: amounts of different currencies are never added up. -#}
{%- set reports = [] -%}
{%- if var('adsterra_enabled', true) -%}
    {%- do reports.append(('adsterra', 'earned', ref('adsterra__account_report'), 'revenue')) -%}
{%- endif -%}
{%- if var('adcloud_enabled', true) -%}
    {%- do reports.append(('adcloud', 'spent', ref('adcloud__account_report'), 'costs')) -%}
{%- endif -%}
{%- for network, side, report, amount in reports %}
select
    date,
    cast('{{ network }}' as {{ dbt.type_string() }}) as network,
    cast('{{ side }}' as {{ dbt.type_string() }}) as side,
    currency,
    impressions,
    clicks,
    {{ amount }} as amount,
    is_complete,
    is_proven,
    read_at
from {{ report }}
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
