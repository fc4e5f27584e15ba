-- Adsterra's statistics as the newest reading of each day has them, with the names of domains and placements.
--
-- A row that Adsterra has taken back stays in the table, because an upsert by key deletes nothing. All rows of one
-- reading of a day have the same time, so only the rows of the newest reading are valid.
-- Runs on DuckDB and PostgreSQL.
with readings as (
    select
        *,
        cast(revenue as decimal(38, 9)) as exact_revenue,
        rank() over (partition by date order by db_last_update_time desc nulls last) as reading
    from stats
)
select
    cast(readings.date as date) as date,
    readings.domain as domain_id,
    domains.title as domain,
    readings.placement as placement_id,
    coalesce(placements.alias, placements.title) as placement,
    readings.impression as impressions,
    readings.clicks,
    readings.exact_revenue as revenue_usd,
    readings.db_last_update_time as read_at
from readings
left join domains on domains.id = readings.domain
left join placements on placements.id = readings.placement
where readings.reading = 1
order by readings.date, readings.domain, readings.placement
