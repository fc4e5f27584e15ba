"""The SDK's own tests of a tap, run against the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from sandbox.server import Sandbox
from tests.support import NOW, Adcloud, Adsterra, select

if TYPE_CHECKING:
    from collections.abc import Iterator


def core_tests(runner: type[Adsterra | Adcloud], **settings: Any) -> type:
    """Make the test class of a tap, with all its streams selected."""
    # The SDK needs the settings when the class is made, and with them the sandbox's address.
    sandbox = Sandbox(now=NOW)
    tap_class = runner.tap_class
    with pytest.MonkeyPatch.context() as monkeypatch:
        config = runner(sandbox, monkeypatch).settings(**settings)
        catalog = tap_class(config=dict(config)).catalog_dict
    names = [entry["tap_stream_id"] for entry in catalog["streams"]]
    base = get_tap_test_class(
        tap_class,
        config=config,
        catalog=select(catalog, names),
        # A connection test reads no whole day, so it has no control totals.
        suite_config=SuiteConfig(
            max_records_limit=150, ignore_no_records_for_streams=["control_totals"]
        ),
    )

    class CoreTests(base):  # type: ignore[misc, valid-type]
        @pytest.fixture(scope="class", autouse=True)
        @classmethod
        def running(cls) -> Iterator[None]:
            """Serve while these tests run, with the clock of the tap at the sandbox's time."""
            with sandbox, pytest.MonkeyPatch.context() as monkeypatch:
                runner(sandbox, monkeypatch)
                yield

    return CoreTests
