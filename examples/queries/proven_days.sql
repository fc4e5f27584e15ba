-- How many days of each report are proven: their rows are those of the last reading, by number and sums.
--
-- proven and differing count days with control totals; unproven_days.sql lists those that differ. without_totals counts
-- days with rows that were read by a version of the tap without control totals, or while that stream was not selected.
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
with days as (
    select report, date, bool_and(is_proven) as is_proven
    from counted_readings
    left join day_proofs using (report, date)
    -- A report whose rows have all been lost has only proofs.
    where is_proven is not null or report in (select report from report_rows)
    group by report, date
)
select
    report,
    count(*) as days,
    count(*) filter (where is_proven) as proven,
    count(*) filter (where not is_proven) as differing,
    count(*) filter (where is_proven is null) as without_totals,
    min(date) filter (where is_proven) as first_proven_day,
    max(date) filter (where is_proven) as last_proven_day
from days
group by report
order by report
