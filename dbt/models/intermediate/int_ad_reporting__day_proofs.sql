with last_readings as (
    select report, cast(date as date) as date, max(extracted_at) as extracted_at
    from {{ ref('int_ad_reporting__control_totals') }}
    where report in (select report from {{ ref('int_ad_reporting__report_names') }})
    group by report, cast(date as date)
),
both_sides as (
    select
        totals.report,
        totals.date,
        totals.currency,
        last.extracted_at as read_at,
        totals.row_count,
        totals.impressions,
        totals.clicks,
        totals.amount,
        0 as stored_rows,
        0 as stored_impressions,
        0 as stored_clicks,
        0 as stored_amount
    from {{ ref('int_ad_reporting__total_readings') }} as totals
    join last_readings as last
        on last.report = totals.report
        and last.date = totals.date
        and last.extracted_at = totals.extracted_at
    union all
    select
        stored.report,
        stored.date,
        stored.currency,
        last.extracted_at,
        0,
        0,
        0,
        0,
        stored.stored_rows,
        stored.stored_impressions,
        stored.stored_clicks,
        stored.stored_amount
    from {{ ref('int_ad_reporting__stored_readings') }} as stored
    join last_readings as last on last.report = stored.report and last.date = stored.date
    join {{ ref('int_ad_reporting__counted_readings') }} as counted
        on counted.report = stored.report
        and counted.date = stored.date
        and stored.extracted_at between counted.first_extracted_at and counted.last_extracted_at
),
compared as (
    select
        report,
        date,
        currency,
        read_at,
        sum(row_count) as row_count,
        sum(stored_rows) as stored_rows,
        sum(impressions) as impressions,
        sum(stored_impressions) as stored_impressions,
        sum(clicks) as clicks,
        sum(stored_clicks) as stored_clicks,
        sum(amount) as amount,
        sum(stored_amount) as stored_amount
    from both_sides
    group by report, date, currency, read_at
)
select
    *,
    row_count = stored_rows
        and impressions = stored_impressions
        and clicks = stored_clicks
        and abs(amount - stored_amount) < greatest(0.000001, abs(amount) / 1000000000000000) as is_proven
from compared
