{{ config(
    enabled=var('adcloud_enabled', true),
    materialized='incremental',
    pre_hook="{{ remove_changed_days('advertiser_report') }}"
) }}

select
    report_rows.date,
    report_rows.ad_placement_id,
    report_rows.topic_id,
    report_rows.campaign_id,
    report_rows.campaign_name,
    report_rows.ad_id,
    report_rows.ad_name,
    report_rows.ad_count,
    report_rows.ad_position,
    report_rows.website_id,
    report_rows.website_name,
    report_rows.country,
    report_rows.currency,
    report_rows.impressions,
    report_rows.clicks,
    report_rows.postclick_conversions,
    report_rows.postview_conversions,
    report_rows.cancellations,
    report_rows.costs,
    {{ reading_columns('days') }}
from {{ ref('stg_adcloud__advertiser_report') }} as report_rows
{{ join_days_to_build('advertiser_report') }}
