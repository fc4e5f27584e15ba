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
select names.report
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

-- How many rows each reading has in the tables, and their sums.
create or replace view stored_readings as
select
    report,
    date,
    currency,
    extracted_at,
    count(*) as stored_rows,
    sum(impressions) as stored_impressions,
    sum(clicks) as stored_clicks,
    sum(amount) as stored_amount,
    max(read_at) as read_at
from report_rows
group by report, date, currency, extracted_at;

-- Which rows of each report and day count: those with extracted_at from the first to the last one of this view.
--
-- A reading is whole if the table has as many rows of it as its control totals say. The last whole reading counts, so an
-- older output that was loaded last does not mix with a newer one. A day that vanished has none: its last reading is
-- whole with 0 rows. If no reading is whole, because a run has ended while it replaced the rows, then all rows count that
-- are not older than the last reading with control totals. Without control totals, the newest rows count.
create or replace view counted_readings as
with found as (
    select report, date, extracted_at, stored_rows, 0 as total_rows, 0 as has_totals
    from stored_readings
    union all
    select report, cast(date as date), extracted_at, 0, row_count, 1
    -- A target that only adds rows may hold control totals twice.
    from (
        select distinct report, date, currency, extracted_at, row_count
        from control_totals
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
left join whole on whole.report = newest.report and whole.date = newest.date;

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

-- Every whole reading of each day and currency; a currency whose rows have all vanished has zeros.
create or replace view total_readings as
with totals as (
    select distinct
        report,
        cast(date as date) as date,
        currency,
        extracted_at,
        complete,
        row_count,
        currency_count,
        impressions,
        clicks,
        cast(amount as decimal(38, 9)) as amount,
        max(row_count) over (partition by report, cast(date as date)) as most_rows
    from control_totals
),
readings as (
    select report, date, extracted_at, min(case when complete then 1 else 0 end) = 1 as complete
    from totals
    group by report, date, extracted_at
    -- A loader that is ended between the totals of a reading has stored only some of them. Those of a development version
    -- do not say how many there are.
    having count(*) >= coalesce(max(currency_count), 1)
),
currencies as (
    -- A day without rows has a currency of its own, if there is no other.
    select distinct report, date, currency
    from totals
    where row_count > 0 or most_rows = 0
)
select
    readings.report,
    readings.date,
    currencies.currency,
    readings.extracted_at,
    readings.complete,
    coalesce(totals.row_count, 0) as row_count,
    coalesce(totals.impressions, 0) as impressions,
    coalesce(totals.clicks, 0) as clicks,
    coalesce(totals.amount, 0) as amount
from readings
join currencies on currencies.report = readings.report and currencies.date = readings.date
left join totals
    on totals.report = readings.report
    and totals.date = readings.date
    and totals.currency = currencies.currency
    and totals.extracted_at = readings.extracted_at;

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
both_sides as (
    select
        totals.report,
        totals.date,
        totals.currency,
        last.extracted_at as read_at,
        totals.row_count,
        totals.impressions,
        totals.clicks,
        totals.amount,
        0 as stored_rows,
        0 as stored_impressions,
        0 as stored_clicks,
        0 as stored_amount
    from total_readings as totals
    join last_readings as last
        on last.report = totals.report
        and last.date = totals.date
        and last.extracted_at = totals.extracted_at
    union all
    select
        stored.report,
        stored.date,
        stored.currency,
        last.extracted_at,
        0,
        0,
        0,
        0,
        stored.stored_rows,
        stored.stored_impressions,
        stored.stored_clicks,
        stored.stored_amount
    from stored_readings as stored
    join last_readings as last on last.report = stored.report and last.date = stored.date
    join counted_readings as counted
        on counted.report = stored.report
        and counted.date = stored.date
        and stored.extracted_at between counted.first_extracted_at and counted.last_extracted_at
),
compared as (
    select
        report,
        date,
        currency,
        read_at,
        sum(row_count) as row_count,
        sum(stored_rows) as stored_rows,
        sum(impressions) as impressions,
        sum(stored_impressions) as stored_impressions,
        sum(clicks) as clicks,
        sum(stored_clicks) as stored_clicks,
        sum(amount) as amount,
        sum(stored_amount) as stored_amount
    from both_sides
    group by report, date, currency, read_at
)
select
    *,
    row_count = stored_rows
        and impressions = stored_impressions
        and clicks = stored_clicks
        and abs(amount - stored_amount) < greatest(0.000001, abs(amount) / 1000000000000000) as is_proven
from compared;
