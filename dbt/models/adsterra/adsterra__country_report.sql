{{ config(enabled=var('adsterra_enabled', true), pre_hook="{{ remove_changed_days('stats_by_country') }}") }}

select
    report_rows.date,
    report_rows.country,
    report_rows.currency,
    {{ adsterra_metrics() }},
    {{ reading_columns('report_rows') }}
from {{ ref('int_adsterra__stats_by_country') }} as report_rows
where {{ is_not_built('report_rows.reading') }}
group by
    report_rows.date,
    report_rows.country,
    report_rows.currency,
    {{ reading_columns('report_rows') }}
