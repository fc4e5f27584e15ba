"""``python -m tap_adsterra`` is ``tap-adsterra``."""

from tap_adsterra.tap import TapAdsterra

TapAdsterra.cli()
