-- What each placement on each domain has earned, over all days: revenue in USD, ctr in percent, cpm in USD.
--
-- Ratios are made from the sums. An id that is in no list, such as 0, has NULL as its name.
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
select
    counted.domain as domain_id,
    domains.title as domain,
    counted.placement as placement_id,
    coalesce(placements.alias, placements.title) as placement,
    sum(counted.impression) as impressions,
    sum(counted.clicks) as clicks,
    sum(counted.exact_revenue) as revenue_usd,
    100.0 * sum(counted.clicks) / nullif(sum(counted.impression), 0) as ctr_percent,
    1000.0 * sum(counted.exact_revenue) / nullif(sum(counted.impression), 0) as cpm_usd
from counted_stats as counted
left join domains on domains.id = counted.domain
left join placements on placements.id = counted.placement
group by counted.domain, domains.title, counted.placement, placements.alias, placements.title
order by
    sum(sum(counted.exact_revenue)) over (partition by counted.domain) desc,
    counted.domain,
    revenue_usd desc,
    counted.placement
