"""The Adsterra Publishers API with made-up accounts, as its documents describe it."""

from __future__ import annotations

from sandbox.adsterra.accounts import (
    ADVERTISER_TOKEN,
    DEMO,
    DEMO_TOKEN,
    DOCUMENTS_TOKEN,
    LARGE,
    LARGE_TOKEN,
    REVOKED_TOKEN,
    Account,
)
from sandbox.adsterra.cells import SETTLED_AFTER_DAYS
from sandbox.adsterra.reports import expected_rows

__all__ = [
    "ADVERTISER_TOKEN",
    "DEMO",
    "DEMO_TOKEN",
    "DOCUMENTS_TOKEN",
    "LARGE",
    "LARGE_TOKEN",
    "REVOKED_TOKEN",
    "SETTLED_AFTER_DAYS",
    "Account",
    "expected_rows",
]
