"""Folders and packages that the tests use."""

from __future__ import annotations

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
#: The installed commands.
BIN = Path(sys.executable).parent
#: The packages of the taps.
TAPS = sorted(path.parent.name for path in PROJECT.glob("tap_*/__main__.py"))
#: The networks whose taps are sources of Airbyte as well.
NETWORKS = [
    name
    for tap in TAPS
    if (PROJECT / "airbyte_sources" / f"{(name := tap.removeprefix('tap_'))}.py").exists()
]
