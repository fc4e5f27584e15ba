"""The Adcloud API with a made-up account, as its documents and clients describe it."""

from __future__ import annotations

from sandbox.adcloud.days import SETTLED_AFTER_DAYS, expected_rows
from sandbox.adcloud.inventory import entities
from sandbox.adcloud.performance import performance
from sandbox.adcloud.settings import (
    CLIENT_ID,
    CLIENT_SECRET,
    DOCUMENTED_DAY,
    DOCUMENTED_ROWS,
    Settings,
)
from sandbox.adcloud.tokens import Tokens

__all__ = [
    "CLIENT_ID",
    "CLIENT_SECRET",
    "DOCUMENTED_DAY",
    "DOCUMENTED_ROWS",
    "SETTLED_AFTER_DAYS",
    "Settings",
    "Tokens",
    "entities",
    "expected_rows",
    "performance",
]
