-- What each placement on each domain has earned, over all days: revenue in USD, ctr in percent, cpm in USD.
--
-- Ratios are made from the sums. An id that is in no list, such as 0, has NULL as its name.
-- Runs on DuckDB and PostgreSQL.
with readings as (
    select
        *,
        cast(revenue as decimal(38, 9)) as exact_revenue,
        rank() over (partition by date order by db_last_update_time desc nulls last) as reading
    from stats
)
select
    readings.domain as domain_id,
    domains.title as domain,
    readings.placement as placement_id,
    coalesce(placements.alias, placements.title) as placement,
    sum(readings.impression) as impressions,
    sum(readings.clicks) as clicks,
    sum(readings.exact_revenue) as revenue_usd,
    100.0 * sum(readings.clicks) / nullif(sum(readings.impression), 0) as ctr_percent,
    1000.0 * sum(readings.exact_revenue) / nullif(sum(readings.impression), 0) as cpm_usd
from readings
left join domains on domains.id = readings.domain
left join placements on placements.id = readings.placement
where readings.reading = 1
group by readings.domain, domains.title, readings.placement, placements.alias, placements.title
order by
    sum(sum(readings.exact_revenue)) over (partition by readings.domain) desc,
    readings.domain,
    revenue_usd desc,
    readings.placement
