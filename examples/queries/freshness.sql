-- How fresh and how complete each stream is: its rows, its days, and when it was read last.
--
-- rows counts what the last reading of each day has, rows_taken_back what only earlier readings have. days_without_rows
-- counts from the first day with rows to the last finished day: days without traffic, or days never read;
-- missing_days.sql names them. Lists have no time. `make query` leaves out the streams that are not there; elsewhere,
-- take them out here.
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
with readings as (
    select
        report,
        date,
        report_rows.read_at,
        extracted_at between first_extracted_at and last_extracted_at as counts,
        cast(left(max(report_rows.read_at) over (partition by report), 10) as date) as last_read_on
    from report_rows
    join counted_readings using (report, date)
)
select
    report as stream,
    count(*) filter (where counts) as rows,
    count(*) filter (where not counts) as rows_taken_back,
    min(date) filter (where counts) as first_day,
    max(date) filter (where counts) as last_day,
    greatest(max(last_read_on) - min(date) filter (where counts), 0)
        - count(distinct date) filter (where counts and date < last_read_on) as days_without_rows,
    max(read_at) as read_at
from readings
group by report
union all select 'domains', count(*), 0, null, null, null, null from domains
union all select 'placements', count(*), 0, null, null, null, null from placements
union all select 'smart_links', count(*), 0, null, null, null, null from smart_links
union all select 'campaigns', count(*), 0, null, null, null, null from campaigns
union all select 'advertisements', count(*), 0, null, null, null, null from advertisements
union all select 'customers', count(*), 0, null, null, null, null from customers
union all select 'products', count(*), 0, null, null, null, null from products
union all select 'topics', count(*), 0, null, null, null, null from topics
union all select 'topic_discounts', count(*), 0, null, null, null, null from topic_discounts
union all select 'campaign_performance', count(*), 0, null, null, null, null from campaign_performance
order by first_day nulls last, stream
