-- What the ads in each country have cost, over all days, by currency: costs, cpm and cpc in that currency, ctr in
-- percent.
--
-- The country is that of the website, as the report has it. Ratios are made from the sums.
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
select
    currency,
    country,
    sum(ad_impressions) as impressions,
    sum(clicks) as clicks,
    sum(exact_costs) as costs,
    100.0 * sum(clicks) / nullif(sum(ad_impressions), 0) as ctr_percent,
    1000.0 * sum(exact_costs) / nullif(sum(ad_impressions), 0) as cpm,
    sum(exact_costs) / nullif(sum(clicks), 0) as cpc
from counted_advertiser_report
group by currency, country
order by currency, costs desc, country
