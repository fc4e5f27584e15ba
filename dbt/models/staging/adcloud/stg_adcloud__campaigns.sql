{{ config(enabled=var('adcloud_enabled', true)) }}

with source as (
    {{ source_table('adcloud', 'campaigns', ['id', 'customer_id', 'name']) }}
)

select
    {{ whole('id') }} as campaign_id,
    {{ whole('customer_id') }} as customer_id,
    name as campaign_name
from source
