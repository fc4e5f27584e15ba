{{ config(enabled=var('adcloud_enabled', true), pre_hook="{{ remove_changed_days('advertiser_report') }}") }}

select
    report_rows.date,
    report_rows.country,
    report_rows.currency,
    {{ adcloud_metrics() }},
    {{ reading_columns('report_rows') }}
from {{ ref('int_adcloud__advertiser_report') }} as report_rows
where {{ is_not_built('report_rows.reading') }}
group by
    report_rows.date,
    report_rows.country,
    report_rows.currency,
    {{ reading_columns('report_rows') }}
