"""Folders that the tests use."""

from __future__ import annotations

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
#: The installed commands.
BIN = Path(sys.executable).parent
