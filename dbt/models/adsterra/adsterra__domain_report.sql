{{ config(
    enabled=var('adsterra_enabled', true),
    pre_hook="{{ remove_changed_days(
        'stats',
        {'domain_name': ('stg_adsterra__domains', 'domain_id')}
    ) }}"
) }}

select
    report_rows.date,
    report_rows.domain_id,
    domains.domain_name,
    report_rows.currency,
    {{ adsterra_metrics() }},
    {{ reading_columns('report_rows') }}
from {{ ref('int_adsterra__stats') }} as report_rows
left join {{ ref('stg_adsterra__domains') }} as domains on report_rows.domain_id = domains.domain_id
where {{ is_not_built('report_rows.reading') }}
group by
    report_rows.date,
    report_rows.domain_id,
    domains.domain_name,
    report_rows.currency,
    {{ reading_columns('report_rows') }}
