-- How many rows each stream has for each day, in the newest reading of the day.
--
-- Runs on DuckDB and PostgreSQL.
with readings as (
    select
        'stats' as stream,
        cast(date as date) as date,
        rank() over (partition by date order by db_last_update_time desc nulls last) as reading
    from stats
    union all
    select
        'stats_by_country',
        cast(date as date),
        rank() over (partition by date order by db_last_update_time desc nulls last)
    from stats_by_country
    union all
    select
        'advertiser_report',
        cast(date as date),
        rank() over (partition by date order by extracted_at desc nulls last)
    from advertiser_report
)
select stream, date, count(*) as rows
from readings
where reading = 1
group by stream, date
order by stream, date
