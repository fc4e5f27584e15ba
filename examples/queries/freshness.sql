-- How fresh and how complete each stream is: its rows, its days, and when it was read last.
--
-- rows counts what the newest reading of each day has, rows_taken_back what only older readings have. days_without_rows
-- counts from the first day with rows to the last finished day: days without traffic, or days never read;
-- missing_days.sql names them. Lists have no time. `make query` leaves out the streams that are not there; elsewhere,
-- take them out here.
-- Runs on DuckDB and PostgreSQL.
with readings as (
    select
        'stats' as stream,
        cast(date as date) as date,
        db_last_update_time as read_at,
        rank() over (partition by date order by db_last_update_time desc nulls last) as reading
    from stats
    union all
    select
        'stats_by_country',
        cast(date as date),
        db_last_update_time,
        rank() over (partition by date order by db_last_update_time desc nulls last)
    from stats_by_country
    union all
    select
        'advertiser_report',
        cast(date as date),
        extracted_at,
        rank() over (partition by date order by extracted_at desc nulls last)
    from advertiser_report
),
last_readings as (
    select *, cast(left(max(read_at) over (partition by stream), 10) as date) as last_read_on
    from readings
)
select
    stream,
    count(*) filter (where reading = 1) as rows,
    count(*) filter (where reading > 1) as rows_taken_back,
    min(date) as first_day,
    max(date) as last_day,
    greatest(max(last_read_on) - min(date), 0)
        - count(distinct date) filter (where date < last_read_on) as days_without_rows,
    max(read_at) as read_at
from last_readings
group by stream
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
