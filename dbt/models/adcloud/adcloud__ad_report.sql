{{ config(
    enabled=var('adcloud_enabled', true),
    pre_hook="{{ remove_changed_days(
        'advertiser_report',
        {'customer_id': ('int_adcloud__campaigns', 'campaign_id'), 'customer_name': ('int_adcloud__campaigns', 'campaign_id'), 'campaign_name': ('int_adcloud__campaigns', 'campaign_id'), 'ad_name': ('stg_adcloud__advertisements', 'ad_id')},
        reported=['campaign_name', 'ad_name']
    ) }}"
) }}

select
    report_rows.date,
    report_rows.campaign_id,
    campaigns.customer_id,
    campaigns.customer_name,
    coalesce(campaigns.campaign_name, max(report_rows.campaign_name)) as campaign_name,
    report_rows.ad_id,
    coalesce(ads.ad_name, max(report_rows.ad_name)) as ad_name,
    report_rows.currency,
    {{ adcloud_metrics() }},
    {{ reading_columns('report_rows') }}
from {{ ref('int_adcloud__advertiser_report') }} as report_rows
left join {{ ref('int_adcloud__campaigns') }} as campaigns on report_rows.campaign_id = campaigns.campaign_id
left join {{ ref('stg_adcloud__advertisements') }} as ads on report_rows.ad_id = ads.ad_id
where {{ is_not_built('report_rows.reading') }}
group by
    report_rows.date,
    report_rows.campaign_id,
    campaigns.customer_id,
    campaigns.customer_name,
    campaigns.campaign_name,
    report_rows.ad_id,
    ads.ad_name,
    report_rows.currency,
    {{ reading_columns('report_rows') }}
