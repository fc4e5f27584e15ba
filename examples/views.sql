-- Views that the queries in the folder queries read. Create them once, in the schema of the tables, and again when a new
-- version of a tap has added fields.
--
-- A row counts if it belongs to the last reading of its day. An upsert by key deletes nothing, so rows that the network
-- has taken back stay in the table, with the time of an earlier reading. control_totals says which readings there were,
-- and how many rows each had. If you give it up later, delete its rows, too: then the newest rows of each day count. So
-- you should where a stream map filters rows (__filter__), because no reading is whole then.
--
-- Take out the reports that you do not read, and add your own in the same way: in report_names, in report_rows, and as a
-- view counted_…. Runs on DuckDB and PostgreSQL.

-- The reports of these views: one whose rows have all been lost is known by its control totals only.
create or replace view report_names as
select report
from (values ('stats'), ('stats_by_country'), ('advertiser_report')) as names (report);

-- The rows of all reports, with common names. Rows without extracted_at are older than all others: a version of the tap
-- without that field has read them.
create or replace view report_rows as
select
    'stats' as report,
    cast(date as date) as date,
    'USD' as currency,
    coalesce(extracted_at, '') as extracted_at,
    coalesce(extracted_at, cast(db_last_update_time as varchar)) as read_at,
    impression as impressions,
    clicks,
    cast(revenue as decimal(38, 9)) as amount
from stats
union all
select
    'stats_by_country',
    cast(date as date),
    'USD',
    coalesce(extracted_at, ''),
    coalesce(extracted_at, cast(db_last_update_time as varchar)),
    impression,
    clicks,
    cast(revenue as decimal(38, 9))
from stats_by_country
union all
select
    'advertiser_report',
    cast(date as date),
    coalesce(nullif(currency, ''), '-'),
    coalesce(extracted_at, ''),
    extracted_at,
    ad_impressions,
    clicks,
    cast(costs as decimal(38, 9))
from advertiser_report;

-- Which rows of each report and day count: those with extracted_at from the first to the last one of this view.
--
-- A reading is whole if the table has as many rows of it as its control totals say. The last whole reading counts, so an
-- older output that was loaded last does not mix with a newer one. A day that vanished has none: its last reading is
-- whole with 0 rows. If no reading is whole, because a run has ended while it replaced the rows, then all rows count that
-- are not older than the last reading with control totals. Without control totals, the newest rows count.
create or replace view counted_readings as
with stored as (
    select report, date, extracted_at, count(*) as stored_rows
    from report_rows
    group by report, date, extracted_at
),
totals as (
    select report, cast(date as date) as date, extracted_at, sum(row_count) as total_rows
    -- A target that only adds rows may hold control totals twice.
    from (select distinct report, date, currency, extracted_at, row_count from control_totals) as each_once
    group by report, cast(date as date), extracted_at
),
readings as (
    select
        report,
        date,
        extracted_at,
        total_rows,
        coalesce(stored_rows, 0) as stored_rows,
        max(extracted_at) filter (where total_rows is not null) over (partition by report, date) as last_total,
        max(extracted_at) over (partition by report, date) as newest
    from stored
    full join totals using (report, date, extracted_at)
),
days as (
    select
        report,
        date,
        last_total,
        newest,
        -- Earlier readings are whole by chance if they had no rows, or if all their rows were taken back. So they count
        -- only if they had rows, and no run has begun to write newer ones.
        max(extracted_at) filter (
            where stored_rows = total_rows
                and (extracted_at = last_total or (total_rows > 0 and newest = last_total))
        ) as last_whole
    from readings
    group by report, date, last_total, newest
)
select
    report,
    date,
    coalesce(last_whole, last_total, newest) as first_extracted_at,
    coalesce(last_whole, newest) as last_extracted_at
from days;

-- The rows of all reports that count.
create or replace view counted_rows as
select report_rows.*
from report_rows
join counted_readings as counted
    on counted.report = report_rows.report
    and counted.date = report_rows.date
    and report_rows.extracted_at between counted.first_extracted_at and counted.last_extracted_at;

-- Each report as its counted readings have it: query these views in place of the tables. Money is exact in exact_revenue
-- and exact_costs.
create or replace view counted_stats as
select
    stats.*,
    cast(revenue as decimal(38, 9)) as exact_revenue,
    coalesce(extracted_at, cast(db_last_update_time as varchar)) as read_at
from stats
join counted_readings as counted
    on counted.report = 'stats'
    and counted.date = cast(stats.date as date)
    and coalesce(stats.extracted_at, '') between counted.first_extracted_at and counted.last_extracted_at;

create or replace view counted_stats_by_country as
select
    stats_by_country.*,
    cast(revenue as decimal(38, 9)) as exact_revenue,
    coalesce(extracted_at, cast(db_last_update_time as varchar)) as read_at
from stats_by_country
join counted_readings as counted
    on counted.report = 'stats_by_country'
    and counted.date = cast(stats_by_country.date as date)
    and coalesce(stats_by_country.extracted_at, '')
        between counted.first_extracted_at and counted.last_extracted_at;

create or replace view counted_advertiser_report as
select advertiser_report.*, cast(costs as decimal(38, 9)) as exact_costs, extracted_at as read_at
from advertiser_report
join counted_readings as counted
    on counted.report = 'advertiser_report'
    and counted.date = cast(advertiser_report.date as date)
    and coalesce(advertiser_report.extracted_at, '')
        between counted.first_extracted_at and counted.last_extracted_at;

-- Every reading of each day and currency; a currency whose rows have all vanished has zeros.
create or replace view total_readings as
with totals as (
    select distinct
        report,
        cast(date as date) as date,
        currency,
        extracted_at,
        complete,
        row_count,
        impressions,
        clicks,
        cast(amount as decimal(38, 9)) as amount,
        max(row_count) over (partition by report, cast(date as date)) as most_rows
    from control_totals
),
readings as (
    select report, date, extracted_at, bool_and(complete) as complete
    from totals
    group by report, date, extracted_at
),
currencies as (
    -- A day without rows has a currency of its own, if there is no other.
    select distinct report, date, currency from totals where row_count > 0 or most_rows = 0
)
select
    report,
    date,
    currency,
    extracted_at,
    readings.complete,
    coalesce(totals.row_count, 0) as row_count,
    coalesce(totals.impressions, 0) as impressions,
    coalesce(totals.clicks, 0) as clicks,
    coalesce(totals.amount, 0) as amount
from readings
join currencies using (report, date)
left join totals using (report, date, currency, extracted_at);

-- The last control totals of each day and currency, beside the same sums over the rows that count. Days without control
-- totals are not here. Amounts agree if they differ by less than a millionth, or in digits of a large sum that a DOUBLE
-- does not keep: those after the fifteenth.
create or replace view day_proofs as
with last_readings as (
    select report, cast(date as date) as date, max(extracted_at) as extracted_at
    from control_totals
    where report in (select report from report_names)
    group by report, cast(date as date)
),
last_totals as (
    select * from total_readings join last_readings using (report, date, extracted_at)
),
stored as (
    select
        report,
        date,
        currency,
        count(*) as stored_rows,
        sum(impressions) as stored_impressions,
        sum(clicks) as stored_clicks,
        sum(amount) as stored_amount
    from counted_rows
    where (report, date) in (select report, date from last_totals)
    group by report, date, currency
),
compared as (
    select
        report,
        date,
        currency,
        max(extracted_at) over (partition by report, date) as read_at,
        coalesce(row_count, 0) as row_count,
        coalesce(stored_rows, 0) as stored_rows,
        coalesce(impressions, 0) as impressions,
        coalesce(stored_impressions, 0) as stored_impressions,
        coalesce(clicks, 0) as clicks,
        coalesce(stored_clicks, 0) as stored_clicks,
        coalesce(amount, 0) as amount,
        coalesce(stored_amount, 0) as stored_amount
    from last_totals
    full join stored using (report, date, currency)
)
select
    *,
    row_count = stored_rows
        and impressions = stored_impressions
        and clicks = stored_clicks
        and abs(amount - stored_amount) < greatest(0.000001, abs(amount) / 1000000000000000) as is_proven
from compared;
