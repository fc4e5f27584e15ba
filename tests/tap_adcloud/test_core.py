"""The SDK's own tests of a tap."""

from __future__ import annotations

from tests.core_tests import core_tests
from tests.support import Adcloud

TestTapAdcloud = core_tests(Adcloud, start_date="2024-04-28", end_date="2024-04-29")
