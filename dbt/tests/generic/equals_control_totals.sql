{#
    The sums of a report are the control totals of each proven day and currency, and of any other day those of the rows
    that count. Nothing is left out between the table that the tap has loaded and the report.
#}
{% test equals_control_totals(model, report, amount) %}
    with sums as (
        select
            date,
            currency,
            sum(impressions) as impressions,
            sum(clicks) as clicks,
            sum({{ amount }}) as amount
        from {{ model }}
        group by date, currency
    ),

    expected as (
        select
            date,
            currency,
            case when status = 'proven' then impressions else stored_impressions end as impressions,
            case when status = 'proven' then clicks else stored_clicks end as clicks,
            case when status = 'proven' then amount else stored_amount end as amount
        from {{ ref('readings') }}
        where report = '{{ report }}'
    ),

    differences as (
        select date, currency, impressions, clicks, amount from expected
        union all
        select date, currency, - impressions, - clicks, - amount from sums
    )

    select
        date,
        currency,
        sum(impressions) as impressions,
        sum(clicks) as clicks,
        sum(amount) as amount
    from differences
    group by date, currency
    having sum(impressions) <> 0
        or sum(clicks) <> 0
        {#- As in day_proofs: a DOUBLE does not keep the digits of a large sum after the fifteenth. #}
        or abs(sum(amount)) >= greatest(0.000001, sum(abs(amount)) / 2000000000000000)
{% endtest %}
