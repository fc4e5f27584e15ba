"""The SDK's own tests of a tap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from sandbox.adsterra import DEMO_TOKEN
from sandbox.server import Sandbox
from tap_adsterra.tap import TapAdsterra
from tests.support import NOW, select

if TYPE_CHECKING:
    from collections.abc import Iterator

_SANDBOX = Sandbox(now=NOW)


@pytest.fixture(scope="module", autouse=True)
def running() -> Iterator[None]:
    """Serve for as long as these tests run: the SDK wants the address beforehand."""
    clock = TapAdsterra.clock
    TapAdsterra.clock = staticmethod(lambda: NOW)
    with _SANDBOX:
        yield
    TapAdsterra.clock = clock


_SETTINGS = {
    "api_token": DEMO_TOKEN,
    "api_url": _SANDBOX.adsterra_url,
    "start_date": "2024-01-01",
    "reports": [
        {"name": "countries", "group_by": ["country"]},
        {"name": "everything", "group_by": ["domain", "placement", "country"]},
    ],
}
_CATALOG = TapAdsterra(config=dict(_SETTINGS)).catalog_dict
_STREAMS = [entry["tap_stream_id"] for entry in _CATALOG["streams"]]

TestTapAdsterra = get_tap_test_class(
    TapAdsterra,
    config=_SETTINGS,
    catalog=select(_CATALOG, _STREAMS),
    suite_config=SuiteConfig(max_records_limit=150),
)
