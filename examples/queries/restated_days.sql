-- What the network said of each finished day first, and what it says now.
--
-- first_amount is that of the first reading after the end of the day, amount that of the last. last_change_days is how
-- old the day was when totals changed for the last time; it is NULL if they never did. A day is listed if it was read on
-- two calendar days, or has changed, and ever had rows.
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
with compared as (
    select
        *,
        row_number() over day as reading,
        count(*) over (partition by report, date, currency) as readings,
        max(row_count) over (partition by report, date, currency) as most_rows,
        left(extracted_at, 10) > lag(left(extracted_at, 10)) over day as is_another_day,
        first_value(amount) over day as first_amount,
        max(extracted_at) over (partition by report, date, currency) as read_at,
        row_count <> lag(row_count) over day
            or impressions <> lag(impressions) over day
            or clicks <> lag(clicks) over day
            or amount <> lag(amount) over day as has_changed
    from total_readings
    where complete
    window day as (partition by report, date, currency order by extracted_at)
)
select
    report,
    date,
    currency,
    readings,
    first_amount,
    sum(amount) filter (where reading = readings) as amount,
    sum(amount) filter (where reading = readings) - first_amount as change,
    100.0 * (sum(amount) filter (where reading = readings) - first_amount) / nullif(first_amount, 0) as change_percent,
    max(cast(left(extracted_at, 10) as date) - date) filter (where has_changed) as last_change_days,
    read_at
from compared
where most_rows > 0
group by report, date, currency, readings, first_amount, read_at
having bool_or(is_another_day or has_changed)
order by report, date, currency
