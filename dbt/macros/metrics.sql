{# The sums of a report of Adsterra, and the ratios that are made from them. #}
{% macro adsterra_metrics() -%}
    {{ whole('sum(impressions)') }} as impressions,
    {{ whole('sum(clicks)') }} as clicks,
    {{ exact('sum(revenue)') }} as revenue,
    {{ ratio('100.0', 'sum(clicks)', 'sum(impressions)') }} as ctr_percent,
    {{ ratio('1000.0', 'sum(revenue)', 'sum(impressions)') }} as cpm
{%- endmacro %}


{# The same for Adcloud, with conversions and with what a click has cost. #}
{% macro adcloud_metrics() -%}
    {{ whole('sum(impressions)') }} as impressions,
    {{ whole('sum(clicks)') }} as clicks,
    {{ whole('sum(postclick_conversions)') }} as postclick_conversions,
    {{ whole('sum(postview_conversions)') }} as postview_conversions,
    {{ whole('sum(cancellations)') }} as cancellations,
    {{ exact('sum(costs)') }} as costs,
    {{ ratio('100.0', 'sum(clicks)', 'sum(impressions)') }} as ctr_percent,
    {{ ratio('1000.0', 'sum(costs)', 'sum(impressions)') }} as cpm,
    {{ ratio('1.0', 'sum(costs)', 'sum(clicks)') }} as cpc
{%- endmacro %}
