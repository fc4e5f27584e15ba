{{ config(enabled=var('adsterra_enabled', true)) }}

with source as (
    {{ source_table('adsterra', 'domains', ['id', 'title']) }}
)

select
    {{ whole('id') }} as domain_id,
    title as domain_name
from source
