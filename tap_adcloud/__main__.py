"""``python -m tap_adcloud`` is ``tap-adcloud``."""

from tap_adcloud.tap import TapAdcloud

TapAdcloud.cli()
