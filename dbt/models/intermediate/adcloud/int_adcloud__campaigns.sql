{{ config(enabled=var('adcloud_enabled', true), materialized='view') }}

select
    campaigns.campaign_id,
    campaigns.campaign_name,
    campaigns.customer_id,
    customers.customer_name
from {{ ref('stg_adcloud__campaigns') }} as campaigns
left join {{ ref('stg_adcloud__customers') }} as customers on campaigns.customer_id = customers.customer_id
