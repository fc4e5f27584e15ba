{#- Every reading of each finished day and currency, beside the one before it. -#}
with numbered as (
    select
        *,
        {{ day_of('extracted_at') }} as read_on,
        row_number() over (partition by report, date, currency order by extracted_at) as reading_number,
        max(row_count) over (partition by report, date, currency) as most_rows
    from {{ ref('int_ad_reporting__total_readings') }}
    where complete
)

select
    later.report,
    later.date,
    later.currency,
    later.extracted_at,
    later.most_rows,
    later.row_count,
    later.amount,
    earlier.amount as amount_before,
    {{ dbt.datediff('later.date', 'later.read_on', 'day') }} as age_days,
    coalesce(later.read_on > earlier.read_on, false) as is_another_day,
    coalesce(
        later.row_count <> earlier.row_count
        or later.impressions <> earlier.impressions
        or later.clicks <> earlier.clicks
        or later.amount <> earlier.amount,
        false
    ) as has_changed
from numbered as later
left join numbered as earlier
    on later.report = earlier.report
    and later.date = earlier.date
    and later.currency = earlier.currency
    and later.reading_number = earlier.reading_number + 1
