-- Adsterra's statistics as the newest reading of each day has them, with the names of domains and placements.
--
-- A row that Adsterra has taken back stays in the table, because an upsert by key deletes nothing. The view leaves out
-- what does not belong to the last reading of its day.
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
select
    cast(counted.date as date) as date,
    counted.domain as domain_id,
    domains.title as domain,
    counted.placement as placement_id,
    coalesce(placements.alias, placements.title) as placement,
    counted.impression as impressions,
    counted.clicks,
    counted.exact_revenue as revenue_usd,
    counted.read_at
from counted_stats as counted
left join domains on domains.id = counted.domain
left join placements on placements.id = counted.placement
order by counted.date, counted.domain, counted.placement
