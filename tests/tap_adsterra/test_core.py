"""The SDK's own tests of a tap."""

from __future__ import annotations

from tests.core_tests import core_tests
from tests.support import Adsterra

TestTapAdsterra = core_tests(
    Adsterra,
    start_date="2024-01-01",
    reports=[
        {"name": "countries", "group_by": ["country"]},
        {"name": "everything", "group_by": ["domain", "placement", "country"]},
    ],
)
