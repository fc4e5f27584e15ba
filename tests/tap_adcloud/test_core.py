"""The SDK's own tests of a tap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from sandbox.adcloud import CLIENT_ID, CLIENT_SECRET
from sandbox.server import Sandbox
from tap_adcloud.tap import TapAdcloud
from tests.support import NOW, select

if TYPE_CHECKING:
    from collections.abc import Iterator

_SANDBOX = Sandbox(now=NOW)


@pytest.fixture(scope="module", autouse=True)
def running() -> Iterator[None]:
    """Serve for as long as these tests run: the SDK wants the address beforehand."""
    clock = TapAdcloud.clock
    TapAdcloud.clock = staticmethod(lambda: NOW)
    with _SANDBOX:
        yield
    TapAdcloud.clock = clock


_SETTINGS = {
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "api_url": _SANDBOX.adcloud_url,
    "start_date": "2024-04-28",
    "end_date": "2024-04-29",
}
_CATALOG = TapAdcloud(config=dict(_SETTINGS)).catalog_dict
_STREAMS = [entry["tap_stream_id"] for entry in _CATALOG["streams"]]

TestTapAdcloud = get_tap_test_class(
    TapAdcloud,
    config=_SETTINGS,
    catalog=select(_CATALOG, _STREAMS),
    suite_config=SuiteConfig(max_records_limit=150),
)
