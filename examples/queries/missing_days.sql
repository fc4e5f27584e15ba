-- The days without rows of each stream, from its first day with rows to its last finished day: one row per run of days.
--
-- Either the network had no traffic on them, or they were never read: the bookmark in the tap's state shows how far it
-- has read. To read days again, run the tap without state from the first of them on.
-- Runs on DuckDB and PostgreSQL.
with readings as (
    select 'stats' as stream, cast(date as date) as date, db_last_update_time as read_at from stats
    union all
    select 'stats_by_country', cast(date as date), db_last_update_time from stats_by_country
    union all
    select 'advertiser_report', cast(date as date), extracted_at from advertiser_report
),
days as (
    select stream, date from readings
    union
    -- The day of the last reading was not over: it only marks the end of the days that must have rows.
    select stream, cast(left(max(read_at), 10) as date) from readings group by stream
),
followed as (
    select stream, date, lead(date) over (partition by stream order by date) as next_date
    from days
)
select stream, date + 1 as first_day, next_date - 1 as last_day, next_date - date - 1 as days
from followed
where next_date - date > 1
order by stream, first_day
