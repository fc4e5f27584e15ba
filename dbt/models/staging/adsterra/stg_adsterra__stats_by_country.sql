{{ adsterra_report('stats_by_country', ['placement', 'country']) }}
