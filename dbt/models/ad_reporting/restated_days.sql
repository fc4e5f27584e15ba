{#- What the network said of each finished day first, and what it says now. -#}
with finished as (
    select
        *,
        row_number() over (partition by report, date, currency order by extracted_at) as from_first,
        row_number() over (partition by report, date, currency order by extracted_at desc) as from_last
    from {{ ref('int_ad_reporting__changes') }}
    where most_rows > 0
),

days as (
    select
        report,
        date,
        currency,
        count(*) as readings,
        sum(case when from_first = 1 then amount end) as first_amount,
        sum(case when from_last = 1 then amount end) as amount,
        max(case when has_changed then age_days end) as last_change_days,
        max(case when is_another_day then 1 else 0 end) as is_another_day,
        max(extracted_at) as read_at
    from finished
    group by report, date, currency
)

select
    {{ network('report') }} as network,
    report,
    date,
    currency,
    readings,
    {{ exact('first_amount') }} as first_amount,
    {{ exact('amount') }} as amount,
    {{ exact('amount - first_amount') }} as change,
    {{ ratio('100.0', '(amount - first_amount)', 'first_amount') }} as change_percent,
    last_change_days,
    {{ utc_time('read_at') }} as read_at
from days
where is_another_day = 1 or last_change_days is not null
