{{ config(enabled=var('adcloud_enabled', true)) }}

with source as (
    {{ source_table('adcloud', 'advertisements', ['id', 'campaign_id', 'name']) }}
)

select
    {{ whole('id') }} as ad_id,
    {{ whole('campaign_id') }} as campaign_id,
    name as ad_name
from source
