with found as (
    select report, date, extracted_at, stored_rows, 0 as total_rows, 0 as has_totals
    from {{ ref('int_ad_reporting__stored_readings') }}
    union all
    select report, cast(date as date), extracted_at, 0, row_count, 1
    -- A target that only adds rows may hold control totals twice.
    from (
        select distinct report, date, currency, extracted_at, row_count
        from {{ ref('int_ad_reporting__control_totals') }}
    ) as each_once
),
readings as (
    select
        report,
        date,
        extracted_at,
        sum(stored_rows) as stored_rows,
        sum(total_rows) as total_rows,
        max(has_totals) as has_totals
    from found
    group by report, date, extracted_at
),
newest as (
    select
        report,
        date,
        max(extracted_at) as newest,
        max(case when has_totals = 1 then extracted_at end) as last_total
    from readings
    group by report, date
),
whole as (
    -- Earlier readings are whole by chance if they had no rows, or if all their rows were taken back. So they count
    -- only if they had rows, and no run has begun to write newer ones.
    select readings.report, readings.date, max(readings.extracted_at) as last_whole
    from readings
    join newest on newest.report = readings.report and newest.date = readings.date
    where readings.has_totals = 1
        and readings.stored_rows = readings.total_rows
        and (
            readings.extracted_at = newest.last_total
            or (readings.total_rows > 0 and newest.newest = newest.last_total)
        )
    group by readings.report, readings.date
)
select
    newest.report,
    newest.date,
    coalesce(whole.last_whole, newest.last_total, newest.newest) as first_extracted_at,
    coalesce(whole.last_whole, newest.newest) as last_extracted_at
from newest
left join whole on whole.report = newest.report and whole.date = newest.date
