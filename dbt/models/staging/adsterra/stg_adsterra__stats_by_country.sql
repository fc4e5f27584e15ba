{{ config(enabled=var('adsterra_enabled', true)) }}

{{ adsterra_report('stats_by_country', ['placement', 'country']) }}
