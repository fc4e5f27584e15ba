-- Adcloud's report as the newest reading of each day has it, with names joined to ids.
--
-- A booking is a campaign. Names are the current ones of the lists, or the report's for an id that is in no list. Costs
-- are in the currency of their row: never add up rows of different currencies.
-- Runs on DuckDB; PostgreSQL too, if topics.names is of the type jsonb, as target-postgres makes it.
with readings as (
    select
        *,
        cast(costs as decimal(38, 9)) as exact_costs,
        rank() over (partition by date order by extracted_at desc nulls last) as reading
    from advertiser_report
)
select
    cast(readings.date as date) as date,
    customers.id as customer_id,
    customers.name as customer,
    readings.booking_id as campaign_id,
    coalesce(campaigns.name, readings.booking) as campaign,
    readings.ad_id as advertisement_id,
    coalesce(advertisements.name, readings.ad) as advertisement,
    readings.topic_id,
    coalesce(topics.names ->> 'en', readings.topic) as topic,
    readings.ad_placement_id,
    readings.website,
    readings.position,
    readings.ad_count,
    readings.ad_position,
    readings.ad_impressions as impressions,
    readings.clicks,
    readings.postclick_conversions,
    readings.postview_conversions,
    readings.cancellations,
    readings.currency,
    readings.exact_costs as costs,
    readings.extracted_at as read_at
from readings
left join campaigns on campaigns.id = readings.booking_id
left join customers on customers.id = campaigns.customer_id
left join advertisements on advertisements.id = readings.ad_id
left join topics on topics.id = readings.topic_id
where readings.reading = 1
order by readings.date, readings.ad_placement_id, readings.topic_id, readings.booking_id, readings.ad_id,
    readings.ad_count, readings.ad_position
