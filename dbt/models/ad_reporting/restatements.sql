{#- How much the totals of finished days still changed, by their age: which lookback_days a network needs. -#}
select
    {{ network('report') }} as network,
    report,
    currency,
    age_days,
    count(*) as readings,
    sum(case when has_changed then 1 else 0 end) as changed,
    {{ ratio('100.0', 'sum(case when has_changed then 1 else 0 end)', 'count(*)') }} as changed_percent,
    {{ exact('sum(amount - amount_before)') }} as change,
    {{ ratio('100.0', 'sum(amount - amount_before)', 'sum(amount_before)') }} as change_percent,
    max({{ ratio('100.0', 'abs(amount - amount_before)', 'amount_before') }}) as largest_change_percent
from {{ ref('int_ad_reporting__changes') }}
where most_rows > 0 and (is_another_day or has_changed)
group by report, currency, age_days
