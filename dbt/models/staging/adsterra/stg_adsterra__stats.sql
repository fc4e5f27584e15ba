{{ config(enabled=var('adsterra_enabled', true)) }}

{{ adsterra_report('stats', ['domain', 'placement']) }}
