{{ config(enabled=var('adcloud_enabled', true)) }}

{#- The report calls a campaign a booking. -#}
with source as (
    {{ source_table(
        'adcloud',
        'advertiser_report',
        [
            'date',
            'website_id',
            'website',
            'topic_id',
            'ad_placement_id',
            'ad_id',
            'ad',
            'booking_id',
            'booking',
            'country',
            'currency',
            'ad_count',
            'ad_position',
            'ad_impressions',
            'clicks',
            'postclick_conversions',
            'postview_conversions',
            'cancellations',
            'costs',
            'extracted_at',
        ]
    ) }}
)

select
    cast(date as date) as date,
    {{ whole('ad_placement_id') }} as ad_placement_id,
    {{ whole('topic_id') }} as topic_id,
    {{ whole('booking_id') }} as campaign_id,
    booking as campaign_name,
    {{ whole('ad_id') }} as ad_id,
    ad as ad_name,
    {{ whole('ad_count') }} as ad_count,
    {{ whole('ad_position') }} as ad_position,
    {{ id_key('website_id') }} as website_id,
    website as website_name,
    {{ text_key('country') }} as country,
    {{ text_key('currency') }} as currency,
    {{ whole('ad_impressions') }} as impressions,
    {{ whole('clicks') }} as clicks,
    {{ whole('postclick_conversions') }} as postclick_conversions,
    {{ whole('postview_conversions') }} as postview_conversions,
    {{ whole('cancellations') }} as cancellations,
    {{ exact('costs') }} as costs,
    {#- Rows without it are older than all others: a version of the tap without that field has read them. #}
    coalesce(extracted_at, '') as extracted_at,
    extracted_at as read_at
from source
