-- What each campaign of each customer has cost, over all days, by currency: costs, cpm and cpc in that currency, ctr in
-- percent.
--
-- The report calls a campaign a booking. Ratios are made from the sums.
-- Runs on DuckDB and PostgreSQL.
with readings as (
    select
        *,
        cast(costs as decimal(38, 9)) as exact_costs,
        rank() over (partition by date order by extracted_at desc nulls last) as reading
    from advertiser_report
)
select
    readings.currency,
    campaigns.customer_id,
    customers.name as customer,
    readings.booking_id as campaign_id,
    coalesce(campaigns.name, max(readings.booking)) as campaign,
    sum(readings.ad_impressions) as impressions,
    sum(readings.clicks) as clicks,
    sum(readings.postclick_conversions) as postclick_conversions,
    sum(readings.postview_conversions) as postview_conversions,
    sum(readings.exact_costs) as costs,
    100.0 * sum(readings.clicks) / nullif(sum(readings.ad_impressions), 0) as ctr_percent,
    1000.0 * sum(readings.exact_costs) / nullif(sum(readings.ad_impressions), 0) as cpm,
    sum(readings.exact_costs) / nullif(sum(readings.clicks), 0) as cpc
from readings
left join campaigns on campaigns.id = readings.booking_id
left join customers on customers.id = campaigns.customer_id
where readings.reading = 1
group by readings.currency, campaigns.customer_id, customers.name, readings.booking_id, campaigns.name
order by readings.currency, costs desc, readings.booking_id
