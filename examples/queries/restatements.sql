-- How much the totals of finished days still changed, by their age in days: which lookback_days a network needs.
--
-- Each reading after the end of a day is compared with the one before it. Another reading on the same calendar day counts
-- only if it differs. age_days is how long after the day the reading was, and so the latest age at which the network can
-- have changed it. changed counts the readings with other totals; change is the sum of all differences in amount. With
-- lookback_days of the highest age that has changes, none of them would have been missed. If the last age of a report has
-- changes, there may be more after it: raise lookback_days until it has none. Days that never had rows are left out.
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
with compared as (
    select
        report,
        date,
        currency,
        cast(left(extracted_at, 10) as date) - date as age_days,
        amount,
        lag(amount) over day as amount_before,
        left(extracted_at, 10) > lag(left(extracted_at, 10)) over day as is_another_day,
        max(row_count) over (partition by report, date, currency) as most_rows,
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
    currency,
    age_days,
    count(*) as readings,
    count(*) filter (where has_changed) as changed,
    100.0 * count(*) filter (where has_changed) / count(*) as changed_percent,
    sum(amount - amount_before) as change,
    100.0 * sum(amount - amount_before) / nullif(sum(amount_before), 0) as change_percent,
    max(100.0 * abs(amount - amount_before) / nullif(amount_before, 0)) as largest_change_percent
from compared
where most_rows > 0 and (is_another_day or has_changed)
group by report, currency, age_days
order by report, currency, age_days
