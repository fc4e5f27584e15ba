{{ control_totals('adsterra', "report <> 'advertiser_report'") }}
