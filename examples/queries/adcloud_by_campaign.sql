-- What each campaign of each customer has cost, over all days, by currency: costs, cpm and cpc in that currency, ctr in
-- percent.
--
-- The report calls a campaign a booking. Ratios are made from the sums.
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
select
    counted.currency,
    campaigns.customer_id,
    customers.name as customer,
    counted.booking_id as campaign_id,
    coalesce(campaigns.name, max(counted.booking)) as campaign,
    sum(counted.ad_impressions) as impressions,
    sum(counted.clicks) as clicks,
    sum(counted.postclick_conversions) as postclick_conversions,
    sum(counted.postview_conversions) as postview_conversions,
    sum(counted.exact_costs) as costs,
    100.0 * sum(counted.clicks) / nullif(sum(counted.ad_impressions), 0) as ctr_percent,
    1000.0 * sum(counted.exact_costs) / nullif(sum(counted.ad_impressions), 0) as cpm,
    sum(counted.exact_costs) / nullif(sum(counted.clicks), 0) as cpc
from counted_advertiser_report as counted
left join campaigns on campaigns.id = counted.booking_id
left join customers on customers.id = campaigns.customer_id
group by counted.currency, campaigns.customer_id, customers.name, counted.booking_id, campaigns.name
order by counted.currency, costs desc, counted.booking_id
