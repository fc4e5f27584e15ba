{{ config(enabled=var('adsterra_enabled', true)) }}

{{ adsterra_report('stats_by_sub_id', ['placement', 'placement_sub_id']) }}
