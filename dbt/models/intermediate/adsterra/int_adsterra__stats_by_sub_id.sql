{{ config(
    enabled=var('adsterra_enabled', true),
    materialized='incremental',
    pre_hook="{{ remove_changed_days('stats_by_sub_id') }}"
) }}

select
    report_rows.date,
    report_rows.placement_id,
    report_rows.placement_sub_id,
    report_rows.currency,
    report_rows.impressions,
    report_rows.clicks,
    report_rows.revenue,
    {{ reading_columns('days') }}
from {{ ref('stg_adsterra__stats_by_sub_id') }} as report_rows
{{ join_days_to_build('stats_by_sub_id') }}
