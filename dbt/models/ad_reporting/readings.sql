{#- One row per report, day and currency: proven, differing, without totals; and the days that were never read. -#}
with digits as (
    {{- digits() }}
),

numbers as (
    {{- numbers() }}
),

proofs as (
    select * from {{ ref('int_ad_reporting__day_proofs') }}
),

days_with_totals as (
    select distinct report, date
    from proofs
),

without_totals as (
    select
        stored.report,
        stored.date,
        stored.currency,
        max(stored.read_at) as read_at,
        sum(stored.stored_rows) as stored_rows,
        sum(stored.stored_impressions) as stored_impressions,
        sum(stored.stored_clicks) as stored_clicks,
        sum(stored.stored_amount) as stored_amount
    from {{ ref('int_ad_reporting__stored_readings') }} as stored
    inner join {{ ref('int_ad_reporting__counted_readings') }} as counted
        on stored.report = counted.report
        and stored.date = counted.date
        and stored.extracted_at between counted.first_extracted_at and counted.last_extracted_at
    left join days_with_totals as known on stored.report = known.report and stored.date = known.date
    where known.report is null
    group by stored.report, stored.date, stored.currency
),

times as (
    select report, read_at from {{ ref('int_ad_reporting__stored_readings') }}
    union all
    select report, extracted_at from {{ ref('int_ad_reporting__total_readings') }}
),

{#- The day of the last reading was not over: it only marks the end of the days that must have been read. #}
ends as (
    select report, {{ day_of('max(read_at)') }} as end_day
    from times
    group by report
),

spans as (
    select days.report, min(days.date) as first_day, max(ends.end_day) as end_day
    from {{ ref('int_ad_reporting__days') }} as days
    inner join ends on days.report = ends.report
    group by days.report
),

calendar as (
    select
        spans.report,
        cast({{ dbt.dateadd('day', 'numbers.number', 'spans.first_day') }} as date) as date
    from spans
    inner join numbers on numbers.number < {{ dbt.datediff('spans.first_day', 'spans.end_day', 'day') }}
),

missing as (
    select calendar.report, calendar.date
    from calendar
    left join {{ ref('int_ad_reporting__counted_readings') }} as counted
        on calendar.report = counted.report
        and calendar.date = counted.date
    where counted.report is null
),

all_days as (
    select
        report,
        date,
        currency,
        case when is_proven then 'proven' else 'differing' end as status,
        read_at,
        row_count,
        stored_rows,
        impressions,
        stored_impressions,
        clicks,
        stored_clicks,
        amount,
        stored_amount
    from proofs
    union all
    select
        report,
        date,
        currency,
        'without_totals',
        read_at,
        null,
        stored_rows,
        null,
        stored_impressions,
        null,
        stored_clicks,
        null,
        stored_amount
    from without_totals
    union all
    select report, date, '-', 'missing', null, null, 0, null, 0, null, 0, null, 0
    from missing
)

select
    {{ network('report') }} as network,
    report,
    date,
    currency,
    status,
    {{ utc_time('read_at') }} as read_at,
    {{ whole('row_count') }} as row_count,
    {{ whole('stored_rows') }} as stored_rows,
    {{ whole('impressions') }} as impressions,
    {{ whole('stored_impressions') }} as stored_impressions,
    {{ whole('clicks') }} as clicks,
    {{ whole('stored_clicks') }} as stored_clicks,
    {{ exact('amount') }} as amount,
    {{ exact('stored_amount') }} as stored_amount
from all_days
