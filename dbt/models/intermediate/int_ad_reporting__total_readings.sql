with totals as (
    select distinct
        report,
        cast(date as date) as date,
        currency,
        extracted_at,
        complete,
        row_count,
        currency_count,
        impressions,
        clicks,
        cast(amount as decimal(38, 9)) as amount,
        max(row_count) over (partition by report, cast(date as date)) as most_rows
    from {{ ref('int_ad_reporting__control_totals') }}
),
readings as (
    select report, date, extracted_at, min(case when complete then 1 else 0 end) = 1 as complete
    from totals
    group by report, date, extracted_at
    -- A loader that is ended between the totals of a reading has stored only some of them. Those of a development version
    -- do not say how many there are.
    having count(*) >= coalesce(max(currency_count), 1)
),
currencies as (
    -- A day without rows has a currency of its own, if there is no other.
    select distinct report, date, currency
    from totals
    where row_count > 0 or most_rows = 0
)
select
    readings.report,
    readings.date,
    currencies.currency,
    readings.extracted_at,
    readings.complete,
    coalesce(totals.row_count, 0) as row_count,
    coalesce(totals.impressions, 0) as impressions,
    coalesce(totals.clicks, 0) as clicks,
    coalesce(totals.amount, 0) as amount
from readings
join currencies on currencies.report = readings.report and currencies.date = readings.date
left join totals
    on totals.report = readings.report
    and totals.date = readings.date
    and totals.currency = currencies.currency
    and totals.extracted_at = readings.extracted_at
