{{ config(enabled=var('adcloud_enabled', true)) }}

with source as (
    {{ source_table('adcloud', 'customers', ['id', 'name']) }}
)

select
    {{ whole('id') }} as customer_id,
    name as customer_name
from source
