"""The taps as sources of Airbyte: the commands ``source-adsterra`` and ``source-adcloud``."""
