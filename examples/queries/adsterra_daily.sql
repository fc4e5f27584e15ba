-- Adsterra's totals of each day: revenue in USD, ctr in percent, cpm in USD.
--
-- Ratios are made from the sums: the average of rounded ratios would be wrong. A day is finished when it was read after
-- its end; until then its numbers are those of a part of the day. Days are UTC.
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
select
    cast(date as date) as date,
    sum(impression) as impressions,
    sum(clicks) as clicks,
    sum(exact_revenue) as revenue_usd,
    100.0 * sum(clicks) / nullif(sum(impression), 0) as ctr_percent,
    1000.0 * sum(exact_revenue) / nullif(sum(impression), 0) as cpm_usd,
    max(read_at) as read_at,
    cast(date as date) < cast(left(max(read_at), 10) as date) as finished
from counted_stats
group by date
order by date
