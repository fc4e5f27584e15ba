-- Adcloud's report as the newest reading of each day has it, with names joined to ids.
--
-- A booking is a campaign. Names are the current ones of the lists, or the report's for an id that is in no list. Costs
-- are in the currency of their row: never add up rows of different currencies.
-- Reads views of ../views.sql. Runs on DuckDB; PostgreSQL too, if topics.names is of the type jsonb, as target-postgres
-- makes it.
select
    cast(counted.date as date) as date,
    customers.id as customer_id,
    customers.name as customer,
    counted.booking_id as campaign_id,
    coalesce(campaigns.name, counted.booking) as campaign,
    counted.ad_id as advertisement_id,
    coalesce(advertisements.name, counted.ad) as advertisement,
    counted.topic_id,
    coalesce(topics.names ->> 'en', counted.topic) as topic,
    counted.ad_placement_id,
    counted.website,
    counted.position,
    counted.ad_count,
    counted.ad_position,
    counted.ad_impressions as impressions,
    counted.clicks,
    counted.postclick_conversions,
    counted.postview_conversions,
    counted.cancellations,
    counted.currency,
    counted.exact_costs as costs,
    counted.read_at
from counted_advertiser_report as counted
left join campaigns on campaigns.id = counted.booking_id
left join customers on customers.id = campaigns.customer_id
left join advertisements on advertisements.id = counted.ad_id
left join topics on topics.id = counted.topic_id
order by counted.date, counted.ad_placement_id, counted.topic_id, counted.booking_id, counted.ad_id,
    counted.ad_count, counted.ad_position
