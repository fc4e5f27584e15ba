select
    report,
    date,
    currency,
    extracted_at,
    count(*) as stored_rows,
    sum(impressions) as stored_impressions,
    sum(clicks) as stored_clicks,
    sum(amount) as stored_amount,
    max(read_at) as read_at
from {{ ref('int_ad_reporting__report_rows') }}
group by report, date, currency, extracted_at
