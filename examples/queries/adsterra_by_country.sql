-- What visitors of each country have brought, over all days: revenue in USD, ctr in percent, cpm in USD.
--
-- It reads stats_by_country, which must be selected. Adsterra rounds each row by itself, so the revenue of all
-- countries may differ from that of all placements by fractions of a cent per row; impressions and clicks do not.
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
select
    country,
    sum(impression) as impressions,
    sum(clicks) as clicks,
    sum(exact_revenue) as revenue_usd,
    100.0 * sum(clicks) / nullif(sum(impression), 0) as ctr_percent,
    1000.0 * sum(exact_revenue) / nullif(sum(impression), 0) as cpm_usd
from counted_stats_by_country
group by country
order by revenue_usd desc, country
