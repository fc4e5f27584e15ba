-- What the ads on each website have cost, over all days, by currency: costs, cpm and cpc in that currency, ctr in
-- percent.
--
-- Adcloud has no list of websites, so the names are the report's own. Ratios are made from the sums.
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
select
    currency,
    website_id,
    max(website) as website,
    sum(ad_impressions) as impressions,
    sum(clicks) as clicks,
    sum(exact_costs) as costs,
    100.0 * sum(clicks) / nullif(sum(ad_impressions), 0) as ctr_percent,
    1000.0 * sum(exact_costs) / nullif(sum(ad_impressions), 0) as cpm,
    sum(exact_costs) / nullif(sum(clicks), 0) as cpc
from counted_advertiser_report
group by currency, website_id
order by currency, costs desc, website_id
