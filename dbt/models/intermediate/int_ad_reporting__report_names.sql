{{ config(materialized='ephemeral') }}
{#- A report whose rows have all been lost is known by its control totals only. -#}
select 'stats' as report
union all
select 'stats_by_country'
union all
select 'stats_by_sub_id'
union all
select 'advertiser_report'
