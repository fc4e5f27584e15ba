{{ adsterra_report('stats', ['domain', 'placement']) }}
