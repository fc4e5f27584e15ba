{{ config(materialized='ephemeral') }}
{#- The control totals of both networks. -#}
{%- set networks = [] -%}
{%- if var('adsterra_enabled', true) -%}
    {%- do networks.append(ref('stg_adsterra__control_totals')) -%}
{%- endif -%}
{%- if var('adcloud_enabled', true) -%}
    {%- do networks.append(ref('stg_adcloud__control_totals')) -%}
{%- endif -%}
{%- for totals in networks %}
select * from {{ totals }}
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
