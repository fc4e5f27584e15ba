-- What visitors of each country have brought, over all days: revenue in USD, ctr in percent, cpm in USD.
--
-- It reads stats_by_country, which must be selected. Adsterra rounds each row by itself, so the revenue of all
-- countries may differ from that of all placements by fractions of a cent per row; impressions and clicks do not.
-- Runs on DuckDB and PostgreSQL.
with readings as (
    select
        *,
        cast(revenue as decimal(38, 9)) as exact_revenue,
        rank() over (partition by date order by db_last_update_time desc nulls last) as reading
    from stats_by_country
)
select
    country,
    sum(impression) as impressions,
    sum(clicks) as clicks,
    sum(exact_revenue) as revenue_usd,
    100.0 * sum(clicks) / nullif(sum(impression), 0) as ctr_percent,
    1000.0 * sum(exact_revenue) / nullif(sum(impression), 0) as cpm_usd
from readings
where reading = 1
group by country
order by revenue_usd desc, country
