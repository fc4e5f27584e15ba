"""The source of Adsterra, also as ``python -m airbyte_sources.adsterra``."""

from __future__ import annotations

from airbyte_sources.cli import Source
from tap_adsterra.tap import TapAdsterra

SOURCE = Source(TapAdsterra)

if __name__ == "__main__":
    SOURCE.cli()
