-- The days without rows of each stream, from its first day with rows to its last finished day: one row per run of days.
--
-- was_read says that control totals show the days to be without rows: the network had no traffic on them, or took all
-- rows back. The other days were never read, or by a version without control totals; or their rows have been lost since,
-- which unproven_days.sql shows. To read days again, run the tap without state from the first of them on.
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
with days as (
    select report, date, count(counted_rows.extracted_at) as row_count
    from counted_readings
    left join counted_rows using (report, date)
    group by report, date
    -- A day whose rows have been lost was read, but is not without rows.
    having count(counted_rows.extracted_at) > 0
        or (report, date) not in (
            select report, date
            from day_proofs
            where row_count > 0
        )
),
times as (
    select report, read_at from report_rows
    union all
    select report, extracted_at from control_totals
),
-- The day of the last reading was not over: it only marks the end of the days that must have rows.
ends as (
    select report, cast(left(max(read_at), 10) as date) as date
    from times
    group by report
),
spans as (
    select days.report, min(days.date) as first_day, max(ends.date) as end_day
    from days
    join ends using (report)
    where days.row_count > 0
    group by days.report
),
known as (
    select days.report, days.date, days.row_count, spans.end_day
    from days
    join spans on spans.report = days.report and spans.first_day <= days.date
    union
    select report, end_day as date, null, end_day from spans
),
unread as (
    select report, date + 1 as first_day, lead(date) over (partition by report order by date) - 1 as last_day
    from (select distinct report, date from known) as dates
),
empty as (
    -- Consecutive days have the same anchor.
    select report, date, date - cast(row_number() over (partition by report order by date) as integer) as anchor
    from known
    where row_count = 0 and date < end_day
)
select report as stream, first_day, last_day, last_day - first_day + 1 as days, false as was_read
from unread
where first_day <= last_day
union all
select report, min(date), max(date), count(*), true
from empty
group by report, anchor
order by stream, first_day
