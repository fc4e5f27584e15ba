{#- One row per report and day that has rows: which reading of the day the models show. -#}
with counted as (
    select
        counted.report,
        counted.date,
        counted.first_extracted_at,
        counted.last_extracted_at,
        sum(stored.stored_rows) as stored_rows,
        sum(case when stored.extracted_at = counted.last_extracted_at then stored_rows else 0 end) as newest_rows,
        max(stored.read_at) as read_at
    from {{ ref('int_ad_reporting__counted_readings') }} as counted
    inner join {{ ref('int_ad_reporting__stored_readings') }} as stored
        on counted.report = stored.report
        and counted.date = stored.date
        and stored.extracted_at between counted.first_extracted_at and counted.last_extracted_at
    group by counted.report, counted.date, counted.first_extracted_at, counted.last_extracted_at
),

proofs as (
    select report, date, min(case when is_proven then 1 else 0 end) = 1 as is_proven
    from {{ ref('int_ad_reporting__day_proofs') }}
    group by report, date
),

endings as (
    select distinct report, date, extracted_at, complete
    from {{ ref('int_ad_reporting__total_readings') }}
),

days as (
    select
        counted.report,
        counted.date,
        counted.first_extracted_at,
        counted.last_extracted_at,
        {{ whole('counted.stored_rows') }} as stored_rows,
        {{ whole('counted.newest_rows') }} as newest_rows,
        {{ utc_time('counted.read_at') }} as read_at,
        coalesce(endings.complete, counted.date < {{ day_of('counted.read_at') }}, false) as is_complete,
        coalesce(proofs.is_proven, false) as is_proven
    from counted
    left join proofs on counted.report = proofs.report and counted.date = proofs.date
    left join endings
        on counted.report = endings.report
        and counted.date = endings.date
        and counted.last_extracted_at = endings.extracted_at
)

select
    *,
    {#- All by which two readings of a day can differ. #}
    cast(date as {{ dbt.type_string() }})
    || ' from ' || first_extracted_at
    || ', rows: ' || cast(stored_rows as {{ dbt.type_string() }})
    || case
        when last_extracted_at = first_extracted_at then ''
        else ', to ' || last_extracted_at || ', rows: ' || cast(newest_rows as {{ dbt.type_string() }})
    end
    || case when is_proven then '' else ', unproven' end
    || case when is_complete then '' else ', incomplete' end as reading
from days
