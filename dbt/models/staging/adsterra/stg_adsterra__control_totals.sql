{{ config(enabled=var('adsterra_enabled', true)) }}

{{ control_totals('adsterra', "report <> 'advertiser_report'") }}
