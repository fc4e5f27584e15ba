-- Adcloud's totals of each day and currency: costs, cpm and cpc in that currency, ctr in percent.
--
-- Ratios are made from the sums. A day is finished when it was read after its end. Days are those of the tap's setting
-- timezone and times are UTC: west of UTC, a day ends some hours later than this says.
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
select
    cast(date as date) as date,
    currency,
    sum(ad_impressions) as impressions,
    sum(clicks) as clicks,
    sum(postclick_conversions) as postclick_conversions,
    sum(postview_conversions) as postview_conversions,
    sum(exact_costs) as costs,
    100.0 * sum(clicks) / nullif(sum(ad_impressions), 0) as ctr_percent,
    1000.0 * sum(exact_costs) / nullif(sum(ad_impressions), 0) as cpm,
    sum(exact_costs) / nullif(sum(clicks), 0) as cpc,
    max(read_at) as read_at,
    cast(date as date) < cast(left(max(read_at), 10) as date) as finished
from counted_advertiser_report
group by date, currency
order by currency, date
