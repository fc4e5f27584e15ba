{{ config(enabled=var('adsterra_enabled', true)) }}

with source as (
    {{ source_table('adsterra', 'placements', ['id', 'domain_id', 'title', 'alias']) }}
)

select
    {{ whole('id') }} as placement_id,
    {{ whole('domain_id') }} as domain_id,
    coalesce(alias, title) as placement_name
from source
