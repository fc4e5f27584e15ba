{{ control_totals('adcloud', "report = 'advertiser_report'") }}
