-- Do two reports of one account agree: the last totals of each day by country, beside those by placement.
--
-- Impressions and clicks must agree to the integer. Adsterra rounds the revenue of each row to a tenth of a cent by
-- itself, so revenue may differ by half of that per row of either report: agrees allows no more. Readings at different
-- times may differ as the network corrects the day; read_at shows them. In place of stats_by_country, name any other
-- report that is selected and has no filter. Days that only one of them has are not listed.
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
with last_totals as (
    select * from (
        select *, max(extracted_at) over (partition by report, date) as last_extracted_at
        from total_readings
        where currency = 'USD'
    ) as all_totals
    where extracted_at = last_extracted_at
)
select
    date,
    by_placement.impressions,
    by_country.impressions - by_placement.impressions as impressions_difference,
    by_placement.clicks,
    by_country.clicks - by_placement.clicks as clicks_difference,
    by_placement.amount as revenue_usd,
    100 * (by_country.amount - by_placement.amount) as difference_cents,
    by_country.impressions = by_placement.impressions
        and by_country.clicks = by_placement.clicks
        and abs(by_country.amount - by_placement.amount)
            <= 0.0005 * (by_country.row_count + by_placement.row_count) as agrees,
    by_placement.extracted_at as read_at,
    by_country.extracted_at as other_read_at
from last_totals as by_placement
join last_totals as by_country using (date)
where by_placement.report = 'stats' and by_country.report = 'stats_by_country'
order by date
