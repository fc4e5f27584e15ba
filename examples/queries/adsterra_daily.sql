-- Adsterra's totals of each day: revenue in USD, ctr in percent, cpm in USD.
--
-- Ratios are made from the sums: the average of rounded ratios would be wrong. A day is finished when it was read after
-- its end; until then its numbers are those of a part of the day. Days are UTC.
-- Runs on DuckDB and PostgreSQL.
with readings as (
    select
        *,
        cast(revenue as decimal(38, 9)) as exact_revenue,
        rank() over (partition by date order by db_last_update_time desc nulls last) as reading
    from stats
)
select
    cast(date as date) as date,
    sum(impression) as impressions,
    sum(clicks) as clicks,
    sum(exact_revenue) as revenue_usd,
    100.0 * sum(clicks) / nullif(sum(impression), 0) as ctr_percent,
    1000.0 * sum(exact_revenue) / nullif(sum(impression), 0) as cpm_usd,
    max(db_last_update_time) as read_at,
    cast(date as date) < cast(max(db_last_update_time) as date) as finished
from readings
where reading = 1
group by date
order by date
