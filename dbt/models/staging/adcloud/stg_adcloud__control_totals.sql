{{ config(enabled=var('adcloud_enabled', true)) }}

{{ control_totals('adcloud', "report = 'advertiser_report'") }}
