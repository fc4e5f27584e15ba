"""The source of Adcloud, also as ``python -m airbyte_sources.adcloud``."""

from __future__ import annotations

from airbyte_sources.cli import Source
from tap_adcloud.tap import TapAdcloud

SOURCE = Source(TapAdcloud)

if __name__ == "__main__":
    SOURCE.cli()
